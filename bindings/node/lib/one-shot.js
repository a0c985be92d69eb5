'use strict'

// Calls that need no handle.

const { begin, port } = require('./calls.js')
const { Document, expected } = require('./document.js')
const { checkRaw, decodeDocument, encodeDocument, encodeRecord, optionalFunction } = require('./encoding.js')
const { Journal } = require('./journal.js')
const { nestableAt } = require('./nesting.js')
const { checked, checkedSync, patience } = require('./options.js')
const { toPath } = require('./path.js')
const { signalOf, throwIfAborted } = require('./signals.js')

function saveJson(path, value, options) {
  return nestableAt('save', path, options, (given) => save(path, value, given))
}

async function save(path, value, options) {
  const file = toPath(path)
  checked(options, 'saveJson')
  const signal = signalOf(options)
  throwIfAborted(signal)
  const bytes = encodeDocument(value, stringifier(options), file)
  return begin(
    (tryOnce) => port.saveOnce(file, saveOptions(options), bytes, expected(options), tryOnce),
    patience(options),
    signal,
  )
}

function saveJsonSync(path, value, options) {
  checkedSync(options, 'saveJson')
  const document = Document.openSync(path, { ...saveOptions(options), stringify: stringifier(options) })
  try {
    return document.saveSync(value, options === undefined ? undefined : savingOptions(options))
  } finally {
    document.closeSync()
  }
}

async function loadJson(path, options) {
  const file = toPath(path)
  checked(options, 'loadJson')
  const parse = optionalFunction(options, 'parse')
  let contents
  try {
    contents = await begin(() => port.loadOnce(file), Infinity)
  } catch (error) {
    if (error?.code === 'UNTORN_NOT_FOUND' && options != null && 'default' in options) return options.default
    throw error
  }
  return decodeDocument(contents.bytes, parse, file)
}

function loadJsonSync(path, options) {
  checked(options, 'loadJson')
  const document = Document.openSync(path, { parse: options?.parse })
  try {
    return document.loadSync(options != null && 'default' in options ? { default: options.default } : undefined)
  } finally {
    document.closeSync()
  }
}

function appendJson(path, value, options) {
  return nestableAt('append', path, options, (given) => append(path, value, given))
}

async function append(path, value, options) {
  const file = toPath(path)
  checked(options, 'appendJson')
  const signal = signalOf(options)
  throwIfAborted(signal)
  const stringify = optionalFunction(options, 'stringify')
  const record = stringify === undefined ? encodeRecord(value, file) : checkRaw(stringify(value), file)
  const bytes = typeof record === 'string' ? Buffer.from(record) : record
  return begin(
    (tryOnce) => port.appendOnce(file, appendOptions(options), bytes, stringify === undefined, tryOnce),
    patience(options),
    signal,
  )
}

function appendJsonSync(path, value, options) {
  checkedSync(options, 'appendJson')
  const journal = Journal.openSync(path, { ...appendOptions(options), stringify: options?.stringify })
  try {
    return journal.appendSync(value, { timeout: options?.timeout })
  } finally {
    journal.closeSync()
  }
}

/** `expect` is passed on only if the caller set it: the key with undefined would count as set. */
function savingOptions({ timeout, ...options }) {
  return 'expect' in options ? { timeout, expect: options.expect } : { timeout }
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
