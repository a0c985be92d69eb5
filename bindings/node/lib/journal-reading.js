'use strict'

// The reading calls of a journal. None of them takes a lock.

const { begin, beginLong, block } = require('./calls.js')
const { invalid } = require('./errors.js')
const { checked, checkedSync, whole } = require('./options.js')
const { entries, entriesSync, tailEntries, values, valuesSync } = require('./records.js')
const { signalOf } = require('./signals.js')

const LARGEST_TAIL = 2 ** 32 - 1

class JournalReading {
  #native
  #codec

  constructor(native, codec) {
    this.#native = native
    this.#codec = codec
  }

  end() {
    return begin(() => this.#native.end(), Infinity)
  }

  endSync() {
    return block(() => this.#native.endSync())
  }

  async header() {
    return this.#codec.header(await begin(() => this.#native.header(), Infinity))
  }

  headerSync() {
    return this.#codec.header(block(() => this.#native.headerSync()))
  }

  records(options) {
    const { start, maxRecords, maxBytes } = checked(options, 'read') ?? {}
    return values(() => this.#native.records(start, maxRecords, maxBytes), this.#codec.decoder('read', options))
  }

  recordsSync(options) {
    const { start, maxRecords, maxBytes } = checked(options, 'read') ?? {}
    return valuesSync(() => this.#native.recordsSync(start, maxRecords, maxBytes), this.#codec.decoder('read', options))
  }

  entries(options) {
    const { start, maxRecords, maxBytes } = checked(options, 'read') ?? {}
    return entries(() => this.#native.records(start, maxRecords, maxBytes), this.#codec.decoder('read', options))
  }

  entriesSync(options) {
    const { start, maxRecords, maxBytes } = checked(options, 'read') ?? {}
    return entriesSync(() => this.#native.recordsSync(start, maxRecords, maxBytes), this.#codec.decoder('read', options))
  }

  async read(options) {
    const found = []
    for await (const value of this.records(options)) found.push(value)
    return found
  }

  readSync(options) {
    return [...this.recordsSync(options)]
  }

  [Symbol.asyncIterator]() {
    return this.records()
  }

  [Symbol.iterator]() {
    return this.recordsSync()
  }

  async tail(n, options) {
    return (await this.tailEntries(n, options)).map(({ value }) => value)
  }

  tailSync(n, options) {
    return this.tailEntriesSync(n, options).map(({ value }) => value)
  }

  async tailEntries(n, options) {
    checked(options, 'tail')
    const many = count(n)
    const decoder = this.#codec.decoder('tail', options)
    for (let lines = many; ; lines = further(lines)) {
      const records = await begin(() => this.#native.tail(lines), Infinity)
      const found = tailEntries(records, decoder, many, records.length < lines)
      if (found !== undefined) return found
    }
  }

  tailEntriesSync(n, options) {
    checked(options, 'tail')
    const many = count(n)
    const decoder = this.#codec.decoder('tail', options)
    for (let lines = many; ; lines = further(lines)) {
      const records = block(() => this.#native.tailSync(lines))
      const found = tailEntries(records, decoder, many, records.length < lines)
      if (found !== undefined) return found
    }
  }

  async verify(options) {
    checked(options, 'verify')
    return beginLong((_, reports) => this.#native.verify(reports), Infinity, signalOf(options), options?.onProgress)
  }

  verifySync(options) {
    checkedSync(options, 'verify')
    return block(() => this.#native.verifySync())
  }

  async salvagePlan() {
    return JSON.parse(await begin(() => this.#native.salvagePlan(), Infinity))
  }

  salvagePlanSync() {
    return JSON.parse(block(() => this.#native.salvagePlanSync()))
  }

  rotated() {
    return begin(() => this.#native.rotated(), Infinity)
  }

  rotatedSync() {
    return block(() => this.#native.rotatedSync())
  }

  async torn() {
    return JSON.parse(await begin(() => this.#native.torn(), Infinity))
  }

  tornSync() {
    return JSON.parse(block(() => this.#native.tornSync()))
  }

  tornBytes(number) {
    const entry = whole(number, 'number')
    return begin(() => this.#native.tornBytes(entry), Infinity)
  }

  tornBytesSync(number) {
    const entry = whole(number, 'number')
    return block(() => this.#native.tornBytesSync(entry))
  }
}

function count(n) {
  if (Number.isInteger(n) && n >= 0) return Math.min(n, LARGEST_TAIL)
  throw invalid('tail takes a number of records, 0 or more')
}

/** How many lines are read next, if some of the last ones are no records. */
function further(lines) {
  return Math.min(2 * lines + 16, LARGEST_TAIL)
}

module.exports = { JournalReading }
