'use strict'

// Converts values to text and back.

const { isUtf8 } = process.getBuiltinModule('node:buffer')
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
  // `JSON.stringify` would make `{}` of a promise: an empty record, because of a forgotten `await`.
  if (isPromise(value)) {
    throw invalidRecord(`append ${path}: the value is a promise: await it first; nothing was appended`, {
      operation: 'append',
      path,
    })
  }
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
  if (typeof text !== 'string') throw refuse(`stringify returned ${typeof text} for a value of type ${typeof value}`)
  if (!text.isWellFormed()) throw refuse("the text holds half of a surrogate pair, which UTF-8 can't hold")
  return Buffer.from(text)
}

function jsonOf(value, refuse) {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    throw refuse(cause.message, cause)
  }
}

/** Decodes a whole document. */
function decodeDocument(bytes, parse, path) {
  const about = { operation: 'load', path }
  // What is in it is for a parser of the caller's to say, which is given text.
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
