'use strict'

const { Waiting, begin, block, patience, patienceSync, port, signalOf, waiting } = require('./calls.js')
const { checkRaw, encodeRecord, optionalFunction } = require('./encoding.js')
const { fromThrown, invalid } = require('./errors.js')
const { handleOf } = require('./lock.js')
const { toPath } = require('./path.js')
const { Decoder, entries, entriesSync, tailEntries, values, valuesSync } = require('./records.js')

const OWN = Symbol('made by this module')
const LARGEST_TAIL = 2 ** 32 - 1

class Journal {
  #native
  #append
  #appendSync
  #appendRawSync
  #path
  #timeout
  #stringify
  #parse
  #lines
  #generation = 0

  constructor(own, handle, options) {
    if (own !== OWN) throw invalid('use Journal.open(path) or Journal.openSync(path)')
    this.#native = handle
    this.#append = handle.boundAppend()
    this.#appendSync = handle.boundAppendSync()
    this.#appendRawSync = handle.boundAppendRawSync()
    this.#path = handle.path
    this.#timeout = options?.timeout
    this.#stringify = optionalFunction(options, 'stringify')
    this.#parse = optionalFunction(options, 'parse')
    this.#lines = options?.format === 'lines'
  }

  static async open(path, options) {
    const file = toPath(path)
    const how = openOptions(options)
    return new Journal(OWN, await begin(() => port.openJournal(file, how), Infinity), options)
  }

  static openSync(path, options) {
    const file = toPath(path)
    const how = openOptions(options)
    return new Journal(OWN, block(() => port.openJournalSync(file, how)), options)
  }

  get path() {
    return this.#path
  }

  append(value, options) {
    if (options === undefined && this.#timeout === undefined && this.#isPlain()) return this.#appendPlain(value)
    return this.#queue((batch) => this.#push(batch, value), options)
  }

  appendSync(value, options) {
    if (options?.lock === undefined && this.#isPlain()) {
      const text = encodeRecord(value, this.#path)
      const timeout = patienceSync(options, this.#timeout)
      return this.#position(block(() => this.#appendSync(text, timeout)))
    }
    return this.#block((batch) => this.#push(batch, value), options)
  }

  appendAll(records, options) {
    return this.#queue((batch) => this.#pushAll(batch, records), options)
  }

  appendAllSync(records, options) {
    return this.#block((batch) => this.#pushAll(batch, records), options)
  }

  appendRaw(record, options) {
    return this.#queue((batch) => batch.push(checkRaw(record, this.#path)), options)
  }

  appendRawSync(record, options) {
    if (options === undefined && record instanceof Uint8Array) {
      const timeout = this.#timeout === undefined ? 5_000 : patienceSync(undefined, this.#timeout)
      let place
      try {
        place = this.#appendRawSync(record, timeout)
      } catch (error) {
        throw fromThrown(error)
      }
      return this.#position(place)
    }
    return this.#block((batch) => batch.push(checkRaw(record, this.#path)), options)
  }

  end() {
    return begin(() => this.#native.end(), Infinity)
  }

  endSync() {
    return block(() => this.#native.endSync())
  }

  records(options) {
    const { start, maxRecords, maxBytes } = options ?? {}
    return values(() => this.#native.records(start, maxRecords, maxBytes), this.#decoder(options))
  }

  recordsSync(options) {
    const { start, maxRecords, maxBytes } = options ?? {}
    return valuesSync(() => this.#native.recordsSync(start, maxRecords, maxBytes), this.#decoder(options))
  }

  entries(options) {
    const { start, maxRecords, maxBytes } = options ?? {}
    return entries(() => this.#native.records(start, maxRecords, maxBytes), this.#decoder(options))
  }

  entriesSync(options) {
    const { start, maxRecords, maxBytes } = options ?? {}
    return entriesSync(() => this.#native.recordsSync(start, maxRecords, maxBytes), this.#decoder(options))
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
    const many = count(n)
    return tailEntries(await begin(() => this.#native.tail(many), Infinity), this.#decoder(options))
  }

  tailEntriesSync(n, options) {
    return tailEntries(block(() => this.#native.tailSync(count(n))), this.#decoder(options))
  }

  verify() {
    return begin(() => this.#native.verify(), Infinity)
  }

  verifySync() {
    return block(() => this.#native.verifySync())
  }

  async repair(options) {
    const lock = handleOf(options?.lock)
    return begin((tryOnce) => this.#native.repair(tryOnce, lock), patience(options, this.#timeout), signalOf(options))
  }

  repairSync(options) {
    const lock = handleOf(options?.lock)
    return block(() => this.#native.repairSync(patienceSync(options, this.#timeout), lock))
  }

  sync() {
    return begin(() => this.#native.sync(), Infinity)
  }

  syncSync() {
    block(() => this.#native.syncSync())
  }

  close() {
    return begin(() => this.#native.close(), Infinity)
  }

  closeSync() {
    block(() => this.#native.closeSync())
  }

  [Symbol.dispose]() {
    this.closeSync()
  }

  async [Symbol.asyncDispose]() {
    await this.close()
  }

  /** Whether records are what `JSON.stringify` makes, which need no check. */
  #isPlain() {
    return this.#stringify === undefined && !this.#lines
  }

  /** The short way for the commonest call: ten thousand may be started at once. */
  #appendPlain(value) {
    return new Promise((resolve, reject) => {
      let id
      try {
        id = this.#append(encodeRecord(value, this.#path))
      } catch (error) {
        reject(fromThrown(error))
        return
      }
      waiting[id] = new Waiting(resolve, reject)
    })
  }

  /** Not `async` as such, but it never throws: the batch is made at once, in the order of the calls. */
  async #queue(fill, options) {
    const timeout = patience(options, this.#timeout)
    const signal = signalOf(options)
    signal?.throwIfAborted()
    const lock = handleOf(options?.lock)
    const batch = this.#batch(fill)
    return begin((tryOnce) => this.#native.appendBatch(batch, options?.at, tryOnce, lock), timeout, signal)
  }

  #block(fill, options) {
    const timeout = patienceSync(options, this.#timeout)
    const lock = handleOf(options?.lock)
    const batch = this.#batch(fill)
    return this.#position(block(() => this.#native.appendBatchSync(batch, options?.at, timeout, lock)))
  }

  #batch(fill) {
    const batch = this.#native.batch()
    // What `stringify` throws is the caller's own and stays as it is.
    try {
      fill(batch)
    } catch (error) {
      throw isOfAddon(error) ? fromThrown(error) : error
    }
    return batch
  }

  #push(batch, value) {
    if (this.#isPlain()) {
      batch.pushEncoded(encodeRecord(value, this.#path))
      return
    }
    batch.push(checkRaw(this.#stringify === undefined ? value : this.#stringify(value), this.#path))
  }

  #pushAll(batch, records) {
    if (!this.#isPlain()) {
      for (const record of records) this.#push(batch, record)
      return
    }
    const texts = Array.from(records, (record) => encodeRecord(record, this.#path))
    // One crossing for all of them: none has a newline of its own.
    if (texts.length > 0) batch.pushEncoded(texts.join('\n'))
  }

  #position(place) {
    if (place >= 0) return { generation: this.#generation, offset: place }
    this.#generation = this.#native.generation
    return { generation: this.#generation, offset: -1 - place }
  }

  #decoder(options) {
    return new Decoder(this.#lines, this.#parse, optionalFunction(options, 'onDamage'))
  }
}

function isOfAddon(error) {
  return error instanceof Error && error.message.startsWith('{"code":')
}

function count(n) {
  if (Number.isInteger(n) && n >= 0) return Math.min(n, LARGEST_TAIL)
  throw invalid('tail takes a number of records, 0 or more')
}

function openOptions(options) {
  patience(options)
  const { durability, create, maxRecord, format, mode, parents } = options ?? {}
  return { durability, create, maxRecord, format, mode, parents }
}

/** One that was opened in another way. Not for users. */
const journalOf = (handle, options) => new Journal(OWN, handle, options)

module.exports = { Journal, journalOf }
