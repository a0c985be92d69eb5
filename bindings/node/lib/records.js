'use strict'

// Chunks of records from the addon, as values.

const { isUtf8 } = require('node:buffer')
const { begin, block, native } = require('./calls.js')

/** What becomes of each record: how it is decoded, and who hears of damage. */
class Decoder {
  constructor(lines, parse, onDamage) {
    this.lines = lines
    this.parse = parse
    this.onDamage = onDamage
  }

  /**
   * The value of a record; `undefined` is a possible value, so damage is told
   * by `this.damaged`.
   */
  decode(bytes, sound, start, end) {
    this.damaged = false
    if (this.lines) return this.parse === undefined ? bytes : this.parse(bytes)
    if (!sound && !isUtf8(bytes)) return this.skip('not_utf8', start, end)
    const text = bytes.utf8Slice()
    if (this.parse === undefined) {
      try {
        return JSON.parse(text)
      } catch (error) {
        return this.refused(error, bytes, start, end)
      }
    }
    try {
      return this.parse(text)
    } catch (error) {
      return this.refused(error, bytes, start, end)
    }
  }

  /** Damage if it is not JSON; otherwise the parser has reasons of its own. */
  refused(error, bytes, start, end) {
    const kind = native.inspect(bytes)
    if (kind == null) throw error
    return this.skip(kind, start, end)
  }

  skip(kind, start, end) {
    this.damaged = true
    this.onDamage?.({ kind, offset: start, length: end - start })
  }

  /** The good records of a chunk; damage is told of in file order with them. */
  *entries(chunk) {
    const { bytes, damage, generation } = chunk
    const places = numbers(chunk.places)
    const sound = this.lines || isUtf8(bytes)
    let from = 0
    let told = 0
    for (let i = 0; i < places.length; i += 3) {
      const length = places[i]
      const start = places[i + 1]
      const end = places[i + 2]
      for (; told < damage.length && damage[told].offset < start; told += 1) this.onDamage?.(damage[told])
      const value = this.decode(bytes.subarray(from, from + length), sound, start, end)
      from += length + 1
      if (this.damaged) continue
      yield { value, start: { generation, offset: start }, end: { generation, offset: end } }
    }
    for (; told < damage.length; told += 1) this.onDamage?.(damage[told])
  }
}

/** The 64-bit floats that these bytes are, which may lie at any address. */
function numbers({ buffer, byteOffset, byteLength }) {
  if (byteOffset % 8 !== 0) return new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength))
  return new Float64Array(buffer, byteOffset, byteLength / 8)
}

async function* entries(open, decoder) {
  const reader = await begin(open, Infinity)
  for (let last = false; !last; ) {
    const chunk = await begin(() => reader.next(), Infinity)
    last = chunk.last
    yield* decoder.entries(chunk)
  }
}

function* entriesSync(open, decoder) {
  const reader = block(open)
  for (let last = false; !last; ) {
    const chunk = block(() => reader.nextSync())
    last = chunk.last
    yield* decoder.entries(chunk)
  }
}

async function* values(open, decoder) {
  const reader = await begin(open, Infinity)
  for (let last = false; !last; ) {
    const chunk = await begin(() => reader.next(), Infinity)
    last = chunk.last
    for (const entry of decoder.entries(chunk)) yield entry.value
  }
}

function* valuesSync(open, decoder) {
  for (const entry of entriesSync(open, decoder)) yield entry.value
}

/** The records that `tail` gives. */
function tailEntries(records, decoder) {
  const found = []
  for (const { bytes, start, end } of records) {
    const value = decoder.decode(bytes, false, start.offset, end.offset)
    if (!decoder.damaged) found.push({ value, start, end })
  }
  return found
}

module.exports = { Decoder, entries, entriesSync, tailEntries, values, valuesSync }
