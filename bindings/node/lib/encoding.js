'use strict'

// Values to text and back.

const { isUtf8 } = require('node:buffer')
const { corrupt, invalid, invalidRecord } = require('./errors.js')

/** A function, or nothing. */
function optionalFunction(options, name) {
  const f = options?.[name]
  if (f === undefined || f === null) return undefined
  if (typeof f !== 'function') throw invalid(`${name} is a function`)
  return f
}

/** Text for a record from `JSON.stringify`. */
function encodeRecord(value, path) {
  let text
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw invalidRecord(`append ${path}: ${cause.message}; nothing was appended`, { operation: 'append', path, cause })
  }
  if (text === undefined) {
    throw invalidRecord(
      `append ${path}: JSON has nothing for a value of type ${typeof value}; nothing was appended`,
      { operation: 'append', path },
    )
  }
  return text
}

/** What may go into a file as it is: bytes, or text that UTF-8 can hold. */
function checkRaw(record, path) {
  if (record instanceof Uint8Array) return record
  if (typeof record !== 'string') {
    throw invalidRecord(
      `append ${path}: a raw record is a string, a Buffer or a Uint8Array, not ${typeof record}; nothing was appended`,
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

/** The bytes of a whole document. */
function encodeDocument(value, stringify, path) {
  const text = (stringify ?? JSON.stringify)(value)
  if (text instanceof Uint8Array) return text
  if (typeof text !== 'string') {
    throw invalid(`save ${path}: stringify gave ${typeof text} for a value of type ${typeof value}; nothing was changed`, {
      operation: 'save',
      path,
    })
  }
  return Buffer.from(text)
}

/** The value of a whole document. */
function decodeDocument(bytes, parse, path) {
  if (!isUtf8(bytes)) throw corrupt(`load ${path}: the document is not UTF-8`, { operation: 'load', path })
  if (parse !== undefined) return parse(bytes.toString())
  try {
    return JSON.parse(bytes.toString())
  } catch (cause) {
    throw corrupt(`load ${path}: the document is not JSON: ${cause.message}`, { operation: 'load', path, cause })
  }
}

module.exports = { checkRaw, decodeDocument, encodeDocument, encodeRecord, optionalFunction }
