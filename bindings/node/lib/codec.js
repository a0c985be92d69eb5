'use strict'

// Encodes values for an object that takes records (a batch, a rewrite), with a journal's options.

const { checkRaw, encodeRecord, optionalFunction } = require('./encoding.js')
const { corrupt, fromThrown, isOfAddon } = require('./errors.js')
const { many } = require('./many.js')
const { Decoder } = require('./records.js')

class Codec {
  constructor(path, options) {
    this.path = path
    this.stringify = optionalFunction(options, 'stringify')
    this.parse = optionalFunction(options, 'parse')
    this.lines = options?.format === 'lines'
    /** Whether `JSON.stringify` makes the records, which then need no check. */
    this.isPlain = this.stringify === undefined && !this.lines
    /** Whether `JSON.parse` makes the values. */
    this.isParsedPlainly = this.parse === undefined && !this.lines
  }

  /** Returns the text or the bytes of one value. */
  encode(value) {
    if (this.isPlain) return encodeRecord(value, this.path)
    return checkRaw(this.stringify === undefined ? value : this.stringify(value), this.path)
  }

  push(sink, value) {
    if (this.isPlain) sink.pushEncoded(this.encode(value))
    else sink.push(this.encode(value))
  }

  pushAll(sink, values, verb) {
    const records = many(values, verb, this.path)
    if (!this.isPlain) {
      for (const value of records) this.push(sink, value)
      return
    }
    const texts = Array.from(records, (value) => encodeRecord(value, this.path))
    // One call of the addon for all of them: no text contains a newline.
    if (texts.length > 0) sink.pushEncoded(texts.join('\n'))
  }

  decoder(operation, options) {
    const { path, lines, parse } = this
    return new Decoder({ operation, path, lines, parse, onDamage: optionalFunction(options, 'onDamage') })
  }

  /** Returns the value of a header; null if the journal has none. */
  header(bytes) {
    if (bytes == null) return null
    if (this.lines) return this.parse === undefined ? bytes : this.parse(bytes)
    if (this.parse !== undefined) return this.parse(bytes.utf8Slice())
    try {
      return JSON.parse(bytes.utf8Slice())
    } catch (cause) {
      const detail = `header ${this.path}: the header is not JSON: ${cause.message}`
      throw corrupt(detail, { operation: 'header', path: this.path, cause })
    }
  }
}

/** Fills a batch. An error that the caller's `stringify` throws is passed on unchanged. */
function filled(batch, fill) {
  try {
    fill(batch)
  } catch (error) {
    throw isOfAddon(error) ? fromThrown(error) : error
  }
  return batch
}

module.exports = { Codec, filled }
