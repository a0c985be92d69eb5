'use strict'

// Converts values to text and back.

const { isUtf8 } = process.getBuiltinModule('node:buffer')
const { types } = process.getBuiltinModule('node:util')
const { block, native } = require('./calls.js')
const { LimitExceededError, corrupt, invalid, invalidRecord } = require('./errors.js')
const { isBytes, isPromise, ownBytes } = require('./foreign.js')

/** Returns an option that is a function or undefined. */
function optionalFunction(options, name) {
  const f = options?.[name]
  if (f === undefined || f === null) return undefined
  if (typeof f !== 'function') throw invalid(`${name} must be a function`)
  return f
}

/** The longest text of a value that JSON does not have: `null`. */
const LONGEST_LOST = 4

/**
 * Says what is lost if `JSON.stringify` makes `text` of a value: it makes `{}` of a Map, and `null` of NaN. Looks only at
 * the value itself, not at what it contains.
 */
function lost(value, text) {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `JSON has no ${value}`
  if (text !== '{}') return undefined
  if (isPromise(value)) return 'the value is a promise: await it first'
  if (types.isMap(value)) return 'JSON.stringify makes {} of a Map: convert it, as with Object.fromEntries(map) or [...map]'
  if (types.isSet(value)) return 'JSON.stringify makes {} of a Set: convert it, as with [...set]'
  if (types.isNativeError(value)) return 'JSON.stringify makes {} of an Error: choose what to keep, as with { name, message, stack }'
  return undefined
}

/** Encodes a record with `JSON.stringify`. */
function encodeRecord(value, path) {
  let text
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw invalidRecord(`append ${path}: ${cause.message}; nothing was appended`, { operation: 'append', path, cause })
  }
  if (text === undefined) {
    throw invalidRecord(
      `append ${path}: JSON can't hold a value of type ${typeof value}; nothing was appended`,
      { operation: 'append', path },
    )
  }
  const why = text.length <= LONGEST_LOST ? lost(value, text) : undefined
  if (why !== undefined) throw invalidRecord(`append ${path}: ${why}; nothing was appended`, { operation: 'append', path })
  return text
}

/** Checks a record that is written unchanged: bytes, or text that UTF-8 can hold. */
function checkRaw(record, path) {
  if (isBytes(record)) return ownBytes(record)
  if (typeof record !== 'string') {
    throw invalidRecord(
      `append ${path}: a raw record must be a string, a Buffer or a Uint8Array, not ${typeof record}; nothing was appended`,
      { operation: 'append', path },
    )
  }
  // Half of a surrogate pair would silently become U+FFFD.
  if (!record.isWellFormed()) {
    throw invalidRecord(
      `append ${path}: the text holds half of a surrogate pair, which UTF-8 can't hold; nothing was appended`,
      { operation: 'append', path },
    )
  }
  return record
}

/** Encodes a whole document. */
function encodeDocument(value, stringify, path) {
  const refuse = (detail, cause) =>
    invalid(`save ${path}: ${detail}; nothing was changed`, { operation: 'save', path, cause })
  if (isPromise(value)) throw refuse('the value is a promise: await it first')
  const text = stringify === undefined ? jsonOf(value, refuse) : stringify(value)
  if (isBytes(text)) return ownBytes(text)
  if (typeof text !== 'string') {
    const own = isPromise(text) ? 'stringify must not be async' : `stringify returned ${typeof text} for a value of type ${typeof value}`
    throw refuse(stringify === undefined ? `JSON can't hold a value of type ${typeof value}` : own)
  }
  if (!text.isWellFormed()) throw refuse("the text holds half of a surrogate pair, which UTF-8 can't hold")
  return Buffer.from(text)
}

function jsonOf(value, refuse) {
  let text
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw refuse(cause.message, cause)
  }
  const why = text !== undefined && text.length <= LONGEST_LOST ? lost(value, text) : undefined
  if (why !== undefined) throw refuse(why)
  return text
}

/** Decodes a whole document. */
function decodeDocument(bytes, parse, path) {
  const about = { operation: 'load', path }
  // A parser of the caller's says what is in it; it needs text.
  if (bytes.length === 0 || !isUtf8(bytes)) forbidNoJson(bytes, path)
  const text = textOfDocument(bytes, about)
  if (parse !== undefined) return parse(text)
  try {
    // A byte order mark is not part of the value, as in every language.
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
  } catch (cause) {
    forbidNoJson(bytes, path, cause)
    throw corrupt(`load ${path}: the document is not JSON: ${cause.message}`, { ...about, cause })
  }
}

/** The same verdict, in the same words, as in every language. */
function forbidNoJson(bytes, path, cause) {
  try {
    block(() => native.documentJson(path, bytes))
  } catch (error) {
    if (cause !== undefined) Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
    throw error
  }
}

function textOfDocument(bytes, about) {
  try {
    return bytes.toString()
  } catch (cause) {
    const detail = `${bytes.length} bytes are more than a string of JavaScript can hold; loadRaw returns them`
    throw new LimitExceededError('UNTORN_LIMIT_EXCEEDED', `load ${about.path}: ${detail}`, { ...about, cause })
  }
}

module.exports = { checkRaw, decodeDocument, encodeDocument, encodeRecord, optionalFunction }
