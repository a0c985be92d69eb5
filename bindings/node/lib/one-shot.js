'use strict'

// Calls that need no handle.

const { begin, block, port } = require('./calls.js')
const { expected } = require('./document.js')
const { checkRaw, decodeDocument, encodeDocument, encodeRecord, optionalFunction } = require('./encoding.js')
const { forbidNestedAt, nestableAt } = require('./nesting.js')
const { checked, checkedSync, patience, patienceSync } = require('./options.js')
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
  const file = toPath(path)
  checkedSync(options, 'saveJson')
  const timeout = patienceSync(options)
  forbidNestedAt('save', file, options)
  const bytes = encodeDocument(value, stringifier(options), file)
  return block(() => port.saveOnceSync(file, saveOptions(options), bytes, expected(options), timeout))
}

async function loadJson(path, options) {
  const file = toPath(path)
  checked(options, 'loadJson')
  const parse = optionalFunction(options, 'parse')
  let contents
  try {
    contents = await begin(() => port.loadOnce(file), Infinity)
  } catch (error) {
    return missing(error, options)
  }
  return decodeDocument(contents.bytes, parse, file)
}

function loadJsonSync(path, options) {
  const file = toPath(path)
  checked(options, 'loadJson')
  const parse = optionalFunction(options, 'parse')
  let contents
  try {
    contents = block(() => port.loadOnceSync(file))
  } catch (error) {
    return missing(error, options)
  }
  return decodeDocument(contents.bytes, parse, file)
}

function missing(error, options) {
  if (error?.code === 'UNTORN_NOT_FOUND' && options != null && 'default' in options) return options.default
  throw error
}

function appendJson(path, value, options) {
  return nestableAt('append', path, options, (given) => append(path, value, given))
}

async function append(path, value, options) {
  const file = toPath(path)
  checked(options, 'appendJson')
  const signal = signalOf(options)
  throwIfAborted(signal)
  const { record, encoded } = recordOf(value, options, file)
  const bytes = typeof record === 'string' ? Buffer.from(record) : record
  return begin(
    (tryOnce) => port.appendOnce(file, appendOptions(options), bytes, encoded, tryOnce),
    patience(options),
    signal,
  )
}

function appendJsonSync(path, value, options) {
  const file = toPath(path)
  checkedSync(options, 'appendJson')
  const timeout = patienceSync(options)
  forbidNestedAt('append', file, options)
  const { record, encoded } = recordOf(value, options, file)
  return block(() => port.appendOnceSync(file, appendOptions(options), record, encoded, timeout))
}

function recordOf(value, options, file) {
  const stringify = optionalFunction(options, 'stringify')
  if (stringify === undefined) return { record: encodeRecord(value, file), encoded: true }
  return { record: checkRaw(stringify(value), file), encoded: false }
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
