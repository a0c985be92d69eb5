'use strict'

const { Waiting, begin, block, patience, patienceSync, port, signalOf, waiting } = require('./calls.js')
const { Codec, filled } = require('./codec.js')
const { checkRaw, encodeRecord } = require('./encoding.js')
const { fromThrown, invalid } = require('./errors.js')
const { Fold } = require('./fold.js')
const { Follow } = require('./follow.js')
const { handleOf } = require('./lock.js')
const { toPath } = require('./path.js')
const { entries, entriesSync, tailEntries, values, valuesSync } = require('./records.js')
const { compact, compactSync } = require('./rewrite.js')
const { schemeOptions } = require('./scheme.js')

const OWN = Symbol('made by this module')
const LARGEST_TAIL = 2 ** 32 - 1

class Journal {
  #native
  #append
  #appendSync
  #appendRawSync
  #path
  #timeout
  #codec
  #generation = 0

  constructor(own, handle, options) {
    if (own !== OWN) throw invalid('use Journal.open(path) or Journal.openSync(path)')
    this.#native = handle
    this.#append = handle.boundAppend()
    this.#appendSync = handle.boundAppendSync()
    this.#appendRawSync = handle.boundAppendRawSync()
    this.#path = handle.path
    this.#timeout = options?.timeout
    this.#codec = new Codec(handle.path, options)
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
    if (options === undefined && this.#timeout === undefined && this.#codec.isPlain) return this.#appendPlain(value)
    return this.#queue((batch) => this.#codec.push(batch, value), options)
  }

  appendSync(value, options) {
    if (options?.lock === undefined && this.#codec.isPlain) {
      const text = encodeRecord(value, this.#path)
      const timeout = patienceSync(options, this.#timeout)
      return this.#position(block(() => this.#appendSync(text, timeout)))
    }
    return this.#block((batch) => this.#codec.push(batch, value), options)
  }

  appendAll(records, options) {
    return this.#queue((batch) => this.#fill(batch, records, options?.header), options)
  }

  appendAllSync(records, options) {
    return this.#block((batch) => this.#fill(batch, records, options?.header), options)
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

  async header() {
    return this.#codec.header(await begin(() => this.#native.header(), Infinity))
  }

  headerSync() {
    return this.#codec.header(block(() => this.#native.headerSync()))
  }

  async setHeader(value, options) {
    await this.#queue((batch) => batch.setHeader(this.#codec.encode(value)), callOptions(options))
  }

  setHeaderSync(value, options) {
    this.#block((batch) => batch.setHeader(this.#codec.encode(value)), callOptions(options))
  }

  rewind(to, options) {
    return this.#change((tryOnce, lock) => this.#native.rewind(to, tryOnce, lock), options)
  }

  rewindSync(to, options) {
    return this.#changeSync((timeout, lock) => this.#native.rewindSync(to, timeout, lock), options)
  }

  rotate(options) {
    return this.#change((tryOnce, lock) => this.#native.rotate(tryOnce, lock), options)
  }

  rotateSync(options) {
    return this.#changeSync((timeout, lock) => this.#native.rotateSync(timeout, lock), options)
  }

  async replace(records, options) {
    signalOf(options)?.throwIfAborted()
    const batch = this.#batch((empty) => this.#codec.pushAll(empty, records))
    return this.#change((tryOnce, lock) => this.#native.replace(batch, tryOnce, lock), options)
  }

  replaceSync(records, options) {
    const batch = this.#batch((empty) => this.#codec.pushAll(empty, records))
    return this.#changeSync((timeout, lock) => this.#native.replaceSync(batch, timeout, lock), options)
  }

  async compact(change, options) {
    const keep = requiredFunction(change, 'compact')
    const rewrite = await this.#change((tryOnce, lock) => this.#native.beginRewrite(tryOnce, lock), options)
    return compact(rewrite, this.#codec, keep, options, signalOf(options))
  }

  compactSync(change, options) {
    const keep = requiredFunction(change, 'compactSync')
    const rewrite = this.#changeSync((timeout, lock) => this.#native.beginRewriteSync(timeout, lock), options)
    return compactSync(rewrite, this.#codec, keep, options)
  }

  records(options) {
    const { start, maxRecords, maxBytes } = options ?? {}
    return values(() => this.#native.records(start, maxRecords, maxBytes), this.#codec.decoder(options))
  }

  recordsSync(options) {
    const { start, maxRecords, maxBytes } = options ?? {}
    return valuesSync(() => this.#native.recordsSync(start, maxRecords, maxBytes), this.#codec.decoder(options))
  }

  entries(options) {
    const { start, maxRecords, maxBytes } = options ?? {}
    return entries(() => this.#native.records(start, maxRecords, maxBytes), this.#codec.decoder(options))
  }

  entriesSync(options) {
    const { start, maxRecords, maxBytes } = options ?? {}
    return entriesSync(() => this.#native.recordsSync(start, maxRecords, maxBytes), this.#codec.decoder(options))
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
    return tailEntries(await begin(() => this.#native.tail(many), Infinity), this.#codec.decoder(options))
  }

  tailEntriesSync(n, options) {
    return tailEntries(block(() => this.#native.tailSync(count(n))), this.#codec.decoder(options))
  }

  follow(options) {
    return new Follow((start) => begin(() => this.#native.follow(start), Infinity), this.#codec, options)
  }

  async fold(initial, apply, options) {
    const fold = this.#fold(initial, apply, options)
    await fold.refresh(options)
    return fold
  }

  foldSync(initial, apply, options) {
    const fold = this.#fold(initial, apply, options)
    fold.refreshSync(options)
    return fold
  }

  verify() {
    return begin(() => this.#native.verify(), Infinity)
  }

  verifySync() {
    return block(() => this.#native.verifySync())
  }

  repair(options) {
    return this.#change((tryOnce, lock) => this.#native.repair(tryOnce, lock), options)
  }

  repairSync(options) {
    return this.#changeSync((timeout, lock) => this.#native.repairSync(timeout, lock), options)
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

  #fold(initial, apply, options) {
    const how = {
      initial: requiredFunction(initial, 'fold'),
      apply: requiredFunction(apply, 'fold'),
      decoder: this.#codec.decoder(options),
      timeout: this.#timeout,
    }
    return new Fold(this.#native.fold(), () => this.#native.batch(), this.#codec, how)
  }

  /** What takes the lock and is no append. */
  async #change(start, options) {
    const lock = handleOf(options?.lock)
    return begin((tryOnce) => start(tryOnce, lock), patience(options, this.#timeout), signalOf(options))
  }

  #changeSync(work, options) {
    const lock = handleOf(options?.lock)
    return block(() => work(patienceSync(options, this.#timeout), lock))
  }

  #fill(batch, records, header) {
    // First: if it is refused, the records need not be made.
    if (header !== undefined) batch.setHeader(this.#codec.encode(header))
    this.#codec.pushAll(batch, records)
  }

  #batch(fill) {
    return filled(this.#native.batch(), fill)
  }

  #position(place) {
    if (place >= 0) return { generation: this.#generation, offset: place }
    this.#generation = this.#native.generation
    return { generation: this.#generation, offset: -1 - place }
  }
}

function count(n) {
  if (Number.isInteger(n) && n >= 0) return Math.min(n, LARGEST_TAIL)
  throw invalid('tail takes a number of records, 0 or more')
}

function requiredFunction(change, verb) {
  if (typeof change !== 'function') throw invalid(`${verb} takes a function`)
  return change
}

/** Never `at`: a header is not set at a position. */
function callOptions(options) {
  return options === undefined ? undefined : { timeout: options?.timeout, signal: options?.signal, lock: options?.lock }
}

function openOptions(options) {
  patience(options)
  const { durability, create, maxRecord, format, mode, parents } = options ?? {}
  const { headerPrefix, headerReserve, headerMode, sealed, maxBytes, keep } = options ?? {}
  return {
    durability, create, maxRecord, format, mode, parents,
    headerPrefix, headerReserve, headerMode, sealed, maxBytes, keep,
    ...schemeOptions(options),
  }
}

/** One that was opened in another way. Not for users. */
const journalOf = (handle, options) => new Journal(OWN, handle, options)

module.exports = { Journal, journalOf }
