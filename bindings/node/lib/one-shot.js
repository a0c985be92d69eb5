'use strict'

// One call, no handle.

const { begin, patience, port, signalOf } = require('./calls.js')
const { Document, expected } = require('./document.js')
const { checkRaw, decodeDocument, encodeDocument, encodeRecord, optionalFunction } = require('./encoding.js')
const { Journal } = require('./journal.js')
const { toPath } = require('./path.js')

async function saveJson(path, value, options) {
  const file = toPath(path)
  const bytes = encodeDocument(value, stringifier(options), file)
  return begin(
    (tryOnce) => port.saveOnce(file, saveOptions(options), bytes, expected(options), tryOnce),
    patience(options),
    signalOf(options),
  )
}

function saveJsonSync(path, value, options) {
  const document = Document.openSync(path, { ...saveOptions(options), stringify: stringifier(options) })
  return document.saveSync(value, options)
}

async function loadJson(path, options) {
  const file = toPath(path)
  const parse = optionalFunction(options, 'parse')
  let contents
  try {
    contents = await begin(() => port.loadOnce(file), Infinity)
  } catch (error) {
    if (error?.code === 'UNTORN_NOT_FOUND' && options !== undefined && 'default' in options) return options.default
    throw error
  }
  return decodeDocument(contents.bytes, parse, file)
}

function loadJsonSync(path, options) {
  return Document.openSync(path, { parse: options?.parse }).loadSync(options)
}

async function appendJson(path, value, options) {
  const file = toPath(path)
  const stringify = optionalFunction(options, 'stringify')
  const record = stringify === undefined ? encodeRecord(value, file) : checkRaw(stringify(value), file)
  const bytes = typeof record === 'string' ? Buffer.from(record) : record
  return begin(
    (tryOnce) => port.appendOnce(file, appendOptions(options), bytes, stringify === undefined, tryOnce),
    patience(options),
    signalOf(options),
  )
}

function appendJsonSync(path, value, options) {
  const journal = Journal.openSync(path, { ...appendOptions(options), stringify: options?.stringify })
  try {
    return journal.appendSync(value, options)
  } finally {
    journal.closeSync()
  }
}

function stringifier(options) {
  const stringify = optionalFunction(options, 'stringify')
  if (stringify !== undefined) return stringify
  return (value) => JSON.stringify(value, options?.replacer, options?.space)
}

function saveOptions(options) {
  return { durability: options?.durability, mode: options?.mode, parents: options?.parents ?? true }
}

function appendOptions(options) {
  return { ...saveOptions(options), maxRecord: options?.maxRecord }
}

module.exports = { appendJson, appendJsonSync, loadJson, loadJsonSync, saveJson, saveJsonSync }
