'use strict'

// Decodes chunks of records from the addon.

const { isAscii, isUtf8 } = process.getBuiltinModule('node:buffer')
const { begin, block, native } = require('./calls.js')
const { warnOnce } = require('./warning.js')

const asItIs = (value) => value

/** So many bytes of records are made one string. V8 keeps a string of more than 128 KiB by itself, which costs more. */
const PART = 32 << 10

/** A longer part is not made one string: it has one long record. */
const LARGEST_STRING = 1 << 20

/** The memory for the bytes of a chunk. Its last record may be long: then the chunk has memory of its own. */
const LARGEST_CHUNK = 96 << 10

/** The most records of a chunk. */
const RECORDS = 1024

/** How each record is decoded, and which function receives damage. */
class Decoder {
  /** The text of the record that was decoded last. */
  text = undefined
  damaged = false

  constructor({ operation, path, lines, parse, onDamage }) {
    this.path = path
    this.lines = lines
    this.parse = parse
    /** Whether an event has reported damage: the first of a read is enough. */
    this.reported = false
    this.onDamage = onDamage ?? warnOnce(operation, path)
    /** Called with the bytes of a record that JavaScript can't take. */
    this.onUnreadable = undefined
  }

  /** Whether bytes may be kept: lines by the caller, and records that can't be read by a compaction. */
  get keepsBytes() {
    return this.lines || this.onUnreadable !== undefined
  }

  /**
   * Returns the value of the record that `bytes` has from `from` to `to`. `undefined` is a possible value, so
   * `this.damaged` reports damage. `sound`: the bytes are known to be UTF-8.
   */
  decode(bytes, from, to, start, end, sound) {
    this.damaged = false
    if (this.lines) return this.line(bytes.subarray(from, to))
    if (!sound && !isUtf8(bytes.subarray(from, to))) return this.skip('not_utf8', bytes.subarray(from, to), start, end)
    try {
      this.text = bytes.utf8Slice(from, to)
    } catch (error) {
      // The record is longer than a string can be.
      return this.refused(error, bytes.subarray(from, to), start, end)
    }
    if (this.parse === undefined) {
      try {
        return JSON.parse(this.text)
      } catch (error) {
        return this.refused(error, bytes.subarray(from, to), start, end)
      }
    }
    try {
      return this.parse(this.text)
    } catch (error) {
      const kind = native.inspect(bytes.subarray(from, to))
      // The parser failed for another reason than damage.
      if (kind == null) throw error
      return this.skip(kind, bytes.subarray(from, to), start, end)
    }
  }

  line(bytes) {
    return this.parse === undefined ? bytes : this.parse(bytes)
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

  /** Yields the good records of a chunk, each with its place. */
  *entries(chunk) {
    const { generation } = chunk
    const walk = new Walk(this, chunk)
    while (walk.next()) {
      const { value, start, end } = walk
      yield { value, start: { generation, offset: start }, end: { generation, offset: end } }
    }
  }
}

/** A walk through the good records of a chunk. Damage is reported in file order with them. */
class Walk {
  /** The record at hand. */
  value = undefined
  #decoder
  #bytes
  #places
  #sound
  #isAscii
  #isPlain
  /** The text of many records: a part of a long string costs less than a call that makes a string. */
  #text
  /** Where the text begins and ends, in the bytes. */
  #textStart = 0
  #textEnd = 0
  /** The beginning of the next record: in the text, in the places, in the bytes. */
  #inText = 0
  #at = 0
  #placesEnd
  #from = 0
  #damage
  #told = 0

  constructor(decoder, { bytes, places, records, damage }) {
    this.#decoder = decoder
    this.#bytes = bytes
    this.#places = numbers(places)
    this.#placesEnd = 3 * records
    this.#damage = damage
    this.#isAscii = !decoder.lines && isAscii(bytes)
    this.#sound = decoder.lines || this.#isAscii || isUtf8(bytes)
    // A parser of the caller's may keep its text, and a part of a long string keeps the whole.
    this.#isPlain = this.#sound && !decoder.lines && decoder.parse === undefined
    // The addon has reported the damage that it found itself, but for a torn tail.
    if (damage.some(({ kind }) => kind !== 'torn_tail')) decoder.reported = true
  }

  /** Whether the chunk has any records. */
  get isAny() {
    return this.#placesEnd > 0
  }

  /** The beginning of the record at hand, in bytes from the start of the file. */
  get start() {
    return this.#places[this.#at - 2]
  }

  /** Its end. */
  get end() {
    return this.#places[this.#at - 1]
  }

  /** Goes on to the next record. Returns false at the end. */
  next() {
    const places = this.#places
    while (this.#at < this.#placesEnd) {
      const from = this.#from
      const to = from + places[this.#at]
      this.#at += 3
      // A newline follows each record.
      this.#from = to + 1
      // Includes damage before the record on its own line.
      if (this.#told < this.#damage.length) this.#tell(this.end)
      if (this.#isNextPlain(from, to) || this.#isDecoded(from, to)) return true
    }
    this.#tell(Infinity)
    return false
  }

  /** The short way, for almost all records. */
  #isNextPlain(at, end) {
    if (!this.#isPlain) return false
    if (at >= this.#textEnd) this.#takeText(at)
    if (this.#text === undefined) return false
    const from = this.#inText
    const to = this.#isAscii ? end - this.#textStart : this.#text.indexOf('\n', from)
    this.#inText = to + 1
    const text = this.#text.slice(from, to)
    try {
      this.value = JSON.parse(text)
    } catch {
      return false
    }
    this.#decoder.text = text
    return true
  }

  /** Makes one string of the record at hand and of those after it. */
  #takeText(from) {
    const places = this.#places
    let end = from
    for (let at = this.#at - 3; at < this.#placesEnd && end - from < PART; at += 3) end += places[at] + 1
    this.#text = end - from <= LARGEST_STRING ? this.#textOf(from, end) : undefined
    this.#textStart = from
    this.#textEnd = end
    this.#inText = 0
  }

  #textOf(from, end) {
    return this.#isAscii ? this.#bytes.latin1Slice(from, end) : this.#bytes.utf8Slice(from, end)
  }

  #isDecoded(from, to) {
    this.value = this.#decoder.decode(this.#bytes, from, to, this.start, this.end, this.#sound)
    return !this.#decoder.damaged
  }

  #tell(before) {
    const damage = this.#damage
    for (; this.#told < damage.length && damage[this.#told].offset < before; this.#told += 1) {
      this.#decoder.onDamage(damage[this.#told])
    }
  }
}

/** Reads these bytes as 64-bit floats. They may lie at any address. */
function numbers(places) {
  if (places instanceof Float64Array) return places
  const { buffer, byteOffset, byteLength } = places
  if (byteOffset % 8 !== 0) return new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength))
  return new Float64Array(buffer, byteOffset, byteLength / 8)
}

/** Takes the chunks of a reader, into memory that is used for each of them. */
class Chunks {
  #reader
  #bytes
  #places

  constructor(reader) {
    this.#reader = reader
  }

  /** Whether the reader has no further chunk. */
  last = false

  take(decoder) {
    const chunk = this.#reader.take(this.#bytes, this.#places)
    this.last = chunk.last
    if (chunk.last) this.#reader.close()
    else if (this.#bytes === undefined && !decoder.keepsBytes) this.#make()
    if (chunk.bytes == null) {
      chunk.bytes = this.#bytes.subarray(0, chunk.length)
      chunk.places = this.#places
    }
    return chunk
  }

  /** For the second chunk: most journals have one. */
  #make() {
    this.#bytes = Buffer.allocUnsafeSlow(LARGEST_CHUNK)
    this.#places = new Float64Array(3 * RECORDS)
  }
}

async function* entries(open, decoder) {
  const reader = await begin(open, Infinity)
  try {
    for (const chunks = new Chunks(reader); !chunks.last; ) {
      await begin(() => reader.next(), Infinity)
      yield* decoder.entries(chunks.take(decoder))
    }
  } finally {
    // Closes the file, too: it would otherwise stay open until garbage collection.
    reader.close()
  }
}

function* entriesSync(open, decoder) {
  const reader = block(open)
  try {
    for (const chunks = new Chunks(reader); !chunks.last; ) {
      block(() => reader.nextSync())
      yield* decoder.entries(chunks.take(decoder))
    }
  } finally {
    reader.close()
  }
}

/**
 * `passed` learns where each chunk ends, when its records have been taken. `atHand` learns of a walk that may be gone on
 * with.
 */
async function* valuesOneByOne(open, decoder, pass, passed, atHand) {
  const reader = await begin(open, Infinity)
  try {
    for (const chunks = new Chunks(reader); !chunks.last; ) {
      await begin(() => reader.next(), Infinity)
      const walk = new Walk(decoder, chunks.take(decoder))
      while (walk.next()) {
        atHand.walk = walk
        yield pass(walk.value)
      }
      if (walk.isAny) passed?.(walk.end)
    }
  } finally {
    atHand.walk = undefined
    reader.close()
  }
}

/**
 * The same, faster: a generator takes half as long for a short record as its decoding. So records of the chunk at hand are
 * taken past the generator, unless one of its own calls is on its way.
 */
function values(open, decoder, pass = asItIs, passed = undefined) {
  const atHand = { walk: undefined }
  const generator = valuesOneByOne(open, decoder, pass, passed, atHand)
  // The generator awaits what a function of the caller's returns.
  if (pass !== asItIs || decoder.parse !== undefined) return generator
  let started = 0
  const counted = (call) => async (given) => {
    started += 1
    try {
      return await call.call(generator, given)
    } finally {
      started -= 1
    }
  }
  const slow = { next: counted(generator.next), return: counted(generator.return), throw: counted(generator.throw) }
  const next = () => {
    const { walk } = atHand
    if (started > 0 || walk === undefined) return slow.next()
    try {
      if (walk.next()) return Promise.resolve({ value: walk.value, done: false })
    } catch (error) {
      return slow.throw(error)
    }
    return slow.next()
  }
  return Object.defineProperties(generator, {
    next: { value: next },
    return: { value: slow.return },
    throw: { value: slow.throw },
  })
}

function* valuesSync(open, decoder, pass = asItIs) {
  const reader = block(open)
  try {
    for (const chunks = new Chunks(reader); !chunks.last; ) {
      block(() => reader.nextSync())
      const walk = new Walk(decoder, chunks.take(decoder))
      while (walk.next()) yield pass(walk.value)
    }
  } finally {
    reader.close()
  }
}

/**
 * Decodes the last lines of a journal, and returns the last `n` records of them. Returns undefined if they have fewer,
 * unless the lines are all of the journal.
 */
function tailEntries(lines, decoder, n, isAll) {
  const tell = decoder.onDamage
  const damage = []
  decoder.onDamage = (found) => damage.push(found)
  const found = []
  for (const { bytes, start, end } of lines) {
    const value = decoder.decode(bytes, 0, bytes.length, start.offset, end.offset, false)
    if (!decoder.damaged) found.push({ value, start, end })
  }
  decoder.onDamage = tell
  if (found.length < n && !isAll) return undefined
  const last = n === 0 ? [] : found.slice(-n)
  const first = found.length > n ? last[0]?.start.offset : 0
  for (const one of damage) if (one.offset >= first) tell(one)
  return last
}

module.exports = { Decoder, Walk, entries, entriesSync, tailEntries, values, valuesSync }
