'use strict'

// Decodes chunks of records from the addon.

const { isUtf8 } = process.getBuiltinModule('node:buffer')
const { begin, block, native } = require('./calls.js')
const { warnOnce } = require('./warning.js')

const asItIs = (value) => value

/** How each record is decoded, and which function receives damage. */
class Decoder {
  /** The text of the record that was decoded last. */
  text = undefined
  damaged = false

  constructor({ operation, path, lines, parse, onDamage }) {
    this.path = path
    this.lines = lines
    this.parse = parse
    /** Whether an event has told of damage: the first of a read is enough. */
    this.reported = false
    this.onDamage = onDamage ?? warnOnce(operation, path)
    /** Called with the bytes of a record that JavaScript can't take. */
    this.onUnreadable = undefined
  }

  /** Returns the value of a record. `undefined` is a possible value, so `this.damaged` reports damage. */
  decode(bytes, sound, start, end) {
    this.damaged = false
    if (this.lines) return this.parse === undefined ? bytes : this.parse(bytes)
    if (!sound && !isUtf8(bytes)) return this.skip('not_utf8', bytes, start, end)
    try {
      this.text = bytes.utf8Slice()
    } catch (error) {
      // The record is longer than a string can be.
      return this.refused(error, bytes, start, end)
    }
    if (this.parse === undefined) {
      try {
        return JSON.parse(this.text)
      } catch (error) {
        return this.refused(error, bytes, start, end)
      }
    }
    try {
      return this.parse(this.text)
    } catch (error) {
      const kind = native.inspect(bytes)
      // The parser failed for another reason than damage.
      if (kind == null) throw error
      return this.skip(kind, bytes, start, end)
    }
  }

  /** Reports damage if the record is not JSON. Otherwise the record is sound, but JavaScript can't take it. */
  refused(error, bytes, start, end) {
    const kind = native.inspect(bytes)
    if (kind != null) return this.skip(kind, bytes, start, end)
    this.damaged = true
    const length = end - start
    this.onDamage({ kind: 'unreadable', offset: start, length, bytes: Buffer.from(bytes), cause: error })
    this.onUnreadable?.(bytes)
  }

  skip(kind, bytes, start, end) {
    this.damaged = true
    if (!this.reported) native.skippedDamage(this.path, bytes, start, end - start)
    this.reported = true
    this.onDamage({ kind, offset: start, length: end - start })
  }

  /** Yields the good records of a chunk. Damage is reported in file order with them. */
  *entries(chunk) {
    const { bytes, damage, generation } = chunk
    const places = numbers(chunk.places)
    const sound = this.lines || isUtf8(bytes)
    let from = 0
    let told = 0
    // The addon has reported the damage that it found itself, but for a torn tail.
    if (damage.some(({ kind }) => kind !== 'torn_tail')) this.reported = true
    for (let i = 0; i < places.length; i += 3) {
      const length = places[i]
      const start = places[i + 1]
      const end = places[i + 2]
      // Includes damage before the record on its own line.
      for (; told < damage.length && damage[told].offset < end; told += 1) this.onDamage(damage[told])
      const value = this.decode(bytes.subarray(from, from + length), sound, start, end)
      from += length + 1
      if (this.damaged) continue
      yield { value, start: { generation, offset: start }, end: { generation, offset: end } }
    }
    for (; told < damage.length; told += 1) this.onDamage(damage[told])
  }
}

/** Reads these bytes as 64-bit floats. They may lie at any address. */
function numbers({ buffer, byteOffset, byteLength }) {
  if (byteOffset % 8 !== 0) return new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength))
  return new Float64Array(buffer, byteOffset, byteLength / 8)
}

async function* entries(open, decoder) {
  const reader = await begin(open, Infinity)
  try {
    for (let last = false; !last; ) {
      const chunk = await begin(() => reader.next(), Infinity)
      last = chunk.last
      if (last) reader.close()
      yield* decoder.entries(chunk)
    }
  } finally {
    // Closes the file, too: it would otherwise stay open until garbage collection.
    reader.close()
  }
}

function* entriesSync(open, decoder) {
  const reader = block(open)
  try {
    for (let last = false; !last; ) {
      const chunk = block(() => reader.nextSync())
      last = chunk.last
      if (last) reader.close()
      yield* decoder.entries(chunk)
    }
  } finally {
    reader.close()
  }
}

/** `passed` learns where each chunk ends, when its records have been taken. */
async function* values(open, decoder, pass = asItIs, passed = undefined) {
  const reader = await begin(open, Infinity)
  try {
    for (let last = false; !last; ) {
      const chunk = await begin(() => reader.next(), Infinity)
      last = chunk.last
      if (last) reader.close()
      for (const { value } of decoder.entries(chunk)) yield pass(value)
      passed?.(numbers(chunk.places).at(-1))
    }
  } finally {
    reader.close()
  }
}

function* valuesSync(open, decoder, pass = asItIs) {
  for (const { value } of entriesSync(open, decoder)) yield pass(value)
}

/** Decodes the records of `tail`. */
function tailEntries(records, decoder) {
  const found = []
  for (const { bytes, start, end } of records) {
    const value = decoder.decode(bytes, false, start.offset, end.offset)
    if (!decoder.damaged) found.push({ value, start, end })
  }
  return found
}

module.exports = { Decoder, entries, entriesSync, tailEntries, values, valuesSync }
