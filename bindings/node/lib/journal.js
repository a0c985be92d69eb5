'use strict'

const { begin, beginLong, block, port, promised } = require('./calls.js')
const { Codec, filled } = require('./codec.js')
const { checkRaw, encodeRecord } = require('./encoding.js')
const { invalid } = require('./errors.js')
const { Fold } = require('./fold.js')
const { Follow } = require('./follow.js')
const { isAsync, isBytes, ownBytes } = require('./foreign.js')
const { inspecting } = require('./inspecting.js')
const { handleOf } = require('./lock.js')
const { comeLater, gathered } = require('./many.js')
const { Nest, forbidNested, mayBeNested, nestable } = require('./nesting.js')
const { checked, checkedSync, isPosition, journalOptions, patience, patienceSync, shown } = require('./options.js')
const { toPath } = require('./path.js')
const { entries, entriesSync, tailEntries, values, valuesSync } = require('./records.js')
const { compact, compactSync } = require('./rewrite.js')
const { signalOf, throwIfAborted } = require('./signals.js')

const OWN = Symbol('made by this module')
const LARGEST_TAIL = 2 ** 32 - 1

function whole(number, name) {
  if (!Number.isSafeInteger(number) || number < 0) throw invalid(`${name} must be a whole number, 0 or more`)
  return number
}

class Journal {
  #native
  #append
  #appendSync
  #appendRawSync
  #path
  #timeout
  #codec
  #generation = 0
  #closed = false

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
    const isShort = options === undefined && this.#timeout === undefined && this.#codec.isPlain
    if (isShort && !mayBeNested()) return this.#appendPlain(value)
    return this.#queue('call', (batch) => this.#codec.push(batch, value), options)
  }

  appendSync(value, options) {
    if (options?.lock === undefined && this.#codec.isPlain) {
      if (options !== undefined) checkedSync(options, 'call')
      forbidNested('append', this.#path, options)
      const text = encodeRecord(value, this.#path)
      const timeout = patienceSync(options, this.#timeout)
      return this.#position(block(() => this.#appendSync(text, timeout)))
    }
    return this.#block('call', (batch) => this.#codec.push(batch, value), options)
  }

  /** Encodes an iterable at once, in the order of the calls. */
  appendAll(records, options) {
    return nestable('append', this.#path, options, async (given) => {
      checked(given, 'append')
      const all = comeLater(records, 'appendAll', this.#path) ? await gathered(records) : records
      return this.#queueNow('append', (batch) => this.#fill(batch, all, given?.header, 'appendAll'), given)
    })
  }

  appendAllSync(records, options) {
    return this.#block('append', (batch) => this.#fill(batch, records, options?.header, 'appendAllSync'), options)
  }

  appendRaw(record, options) {
    return this.#queue('call', (batch) => batch.push(checkRaw(record, this.#path)), options)
  }

  appendRawSync(record, options) {
    if (options === undefined && isBytes(record)) {
      forbidNested('append', this.#path)
      const timeout = patienceSync(undefined, this.#timeout)
      const bytes = ownBytes(record)
      return this.#position(block(() => this.#appendRawSync(bytes, timeout)))
    }
    return this.#block('call', (batch) => batch.push(checkRaw(record, this.#path)), options)
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
    await this.#queue('call', (batch) => batch.setHeader(this.#codec.encode(value)), options)
  }

  setHeaderSync(value, options) {
    this.#block('call', (batch) => batch.setHeader(this.#codec.encode(value)), options)
  }

  rewind(to, options) {
    return this.#change('rewind', (tryOnce, lock) => this.#native.rewind(positionOf(to, 'rewind'), tryOnce, lock), options)
  }

  rewindSync(to, options) {
    return this.#changeSync('rewind', (timeout, lock) => this.#native.rewindSync(positionOf(to, 'rewind'), timeout, lock), options)
  }

  rotate(options) {
    return this.#change('rotate', (tryOnce, lock) => this.#native.rotate(tryOnce, lock), options)
  }

  rotateSync(options) {
    return this.#changeSync('rotate', (timeout, lock) => this.#native.rotateSync(timeout, lock), options)
  }

  replace(records, options) {
    return nestable('replace', this.#path, options, async (given) => {
      checked(given, 'change')
      throwIfAborted(signalOf(given))
      const all = comeLater(records, 'replace', this.#path) ? await gathered(records) : records
      const batch = this.#batch((empty) => this.#codec.pushAll(empty, all, 'replace'))
      return this.#changeNow((tryOnce, lock, reports) => this.#native.replace(batch, tryOnce, lock, reports), given, 'change')
    })
  }

  replaceSync(records, options) {
    const batch = this.#batch((empty) => this.#codec.pushAll(empty, records, 'replaceSync'))
    return this.#changeSync('replace', (timeout, lock) => this.#native.replaceSync(batch, timeout, lock), options, 'change')
  }

  compact(change, options) {
    return nestable('compact', this.#path, options, async (given) => {
      const keep = requiredFunction(change, 'compact')
      const rewrite = await this.#changeNow((tryOnce, lock) => this.#native.beginRewrite(tryOnce, lock), given, 'rewrite')
      const nest = new Nest('compact', this.#path, 'yield the record instead of appending it')
      return nest.run(() => compact(rewrite, this.#codec, keep, given, signalOf(given)))
    })
  }

  compactSync(change, options) {
    const keep = requiredFunction(change, 'compactSync')
    const begun = (timeout, lock) => this.#native.beginRewriteSync(timeout, lock)
    const rewrite = this.#changeSync('compact', begun, options, 'rewrite')
    return compactSync(rewrite, this.#codec, keep, options)
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
    return tailEntries(await begin(() => this.#native.tail(many), Infinity), this.#codec.decoder('tail', options))
  }

  tailEntriesSync(n, options) {
    checked(options, 'tail')
    return tailEntries(block(() => this.#native.tailSync(count(n))), this.#codec.decoder('tail', options))
  }

  follow(options) {
    checked(options, 'follow')
    const wasClosed = this.#closed
    const open = async (start) => {
      try {
        return await begin(() => this.#native.follow(start), Infinity)
      } catch (error) {
        // The journal was closed before the follower could begin: it ends, as one does that has begun.
        if (this.#closed && !wasClosed && error.code === 'UNTORN_INVALID_ARGUMENT') return undefined
        throw error
      }
    }
    return new Follow(open, this.#codec, options)
  }

  async fold(initial, apply, options) {
    checked(options, 'fold')
    const fold = this.#fold(initial, apply, options)
    await fold.refresh(callOptions(options))
    return fold
  }

  foldSync(initial, apply, options) {
    checkedSync(options, 'fold')
    const fold = this.#fold(initial, apply, options)
    fold.refreshSync(callOptions(options))
    return fold
  }

  async verify(options) {
    checked(options, 'verify')
    return beginLong((_, reports) => this.#native.verify(reports), Infinity, signalOf(options), options?.onProgress)
  }

  verifySync(options) {
    checkedSync(options, 'verify')
    return block(() => this.#native.verifySync())
  }

  repair(options) {
    return this.#change('repair', (tryOnce, lock, reports) => this.#native.repair(tryOnce, lock, reports), options, 'change')
  }

  repairSync(options) {
    return this.#changeSync('repair', (timeout, lock) => this.#native.repairSync(timeout, lock), options, 'change')
  }

  async salvagePlan() {
    return JSON.parse(await begin(() => this.#native.salvagePlan(), Infinity))
  }

  salvagePlanSync() {
    return JSON.parse(block(() => this.#native.salvagePlanSync()))
  }

  async salvage(options) {
    return JSON.parse(await this.#change('salvage', (tryOnce, lock) => this.#native.salvage(tryOnce, lock), options))
  }

  salvageSync(options) {
    return JSON.parse(this.#changeSync('salvage', (timeout, lock) => this.#native.salvageSync(timeout, lock), options))
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

  restoreTorn(number, options) {
    const entry = whole(number, 'number')
    return this.#change('append', (tryOnce, lock) => this.#native.restoreTorn(entry, tryOnce, lock), options)
  }

  restoreTornSync(number, options) {
    const entry = whole(number, 'number')
    return this.#changeSync('append', (timeout, lock) => this.#native.restoreTornSync(entry, timeout, lock), options)
  }

  pruneTorn(olderThan, options) {
    const age = whole(olderThan, 'olderThan')
    return this.#change('pruneTorn', (tryOnce, lock) => this.#native.pruneTorn(age, tryOnce, lock), options)
  }

  pruneTornSync(olderThan, options) {
    const age = whole(olderThan, 'olderThan')
    return this.#changeSync('pruneTorn', (timeout, lock) => this.#native.pruneTornSync(age, timeout, lock), options)
  }

  sync() {
    return begin(() => this.#native.sync(), Infinity)
  }

  syncSync() {
    block(() => this.#native.syncSync())
  }

  close() {
    this.#closed = true
    return begin(() => this.#native.close(), Infinity)
  }

  closeSync() {
    this.#closed = true
    block(() => this.#native.closeSync())
  }

  [Symbol.dispose]() {
    this.closeSync()
  }

  async [Symbol.asyncDispose]() {
    await this.close()
  }

  /** The fast path for the commonest call: a program may start ten thousand at once. */
  #appendPlain(value) {
    return promised(() => {
      return this.#append(encodeRecord(value, this.#path))
    })
  }

  #queue(verb, fill, options) {
    return nestable('append', this.#path, options, (given) => this.#queueNow(verb, fill, given))
  }

  /** Never throws. Makes the batch at once, in the order of the calls. */
  async #queueNow(verb, fill, options) {
    if (options !== undefined) checked(options, verb)
    const timeout = patience(options, this.#timeout)
    const signal = signalOf(options)
    throwIfAborted(signal)
    const lock = handleOf(options?.lock)
    const batch = this.#batch(fill)
    return begin((tryOnce) => this.#native.appendBatch(batch, options?.at, tryOnce, lock), timeout, signal)
  }

  #block(verb, fill, options) {
    checkedSync(options, verb)
    const timeout = patienceSync(options, this.#timeout)
    forbidNested('append', this.#path, options)
    const lock = handleOf(options?.lock)
    const batch = this.#batch(fill)
    return this.#position(block(() => this.#native.appendBatchSync(batch, options?.at, timeout, lock)))
  }

  #fold(initial, apply, options) {
    const how = {
      initial: blockingFunction(initial, 'initial'),
      apply: blockingFunction(apply, 'apply'),
      decoder: this.#codec.decoder('fold', options),
      timeout: this.#timeout,
    }
    return new Fold(this.#native.fold(), () => this.#native.batch(), this.#codec, how)
  }

  /** A call that takes the lock and is not an append. */
  #change(operation, start, options, names) {
    return nestable(operation, this.#path, options, (given) => this.#changeNow(start, given, names))
  }

  async #changeNow(start, options, names = 'call') {
    checked(options, names)
    const lock = handleOf(options?.lock)
    const started = (tryOnce, reports) => start(tryOnce, lock, reports)
    return beginLong(started, patience(options, this.#timeout), signalOf(options), options?.onProgress)
  }

  #changeSync(operation, work, options, names = 'call') {
    checkedSync(options, names)
    forbidNested(operation, this.#path, options)
    const lock = handleOf(options?.lock)
    return block(() => work(patienceSync(options, this.#timeout), lock))
  }

  #fill(batch, records, header, verb) {
    // First: if the header is refused, the records need not be encoded.
    if (header !== undefined) batch.setHeader(this.#codec.encode(header))
    this.#codec.pushAll(batch, records, verb)
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

function positionOf(to, verb) {
  if (isPosition(to)) return to
  throw invalid(`${verb} takes a position: an object with two whole numbers, generation and offset`)
}

function count(n) {
  if (Number.isInteger(n) && n >= 0) return Math.min(n, LARGEST_TAIL)
  throw invalid('tail takes a number of records, 0 or more')
}

function requiredFunction(change, verb) {
  if (typeof change !== 'function') throw invalid(`${verb} takes a function`)
  return change
}

function blockingFunction(value, name) {
  if (typeof value !== 'function') throw invalid(`fold takes two functions: initial() makes a state, apply(state, record) changes it; ${name} is ${shown(value)}`)
  if (isAsync(value)) throw invalid(`${name} must not be async: a fold holds the journal's lock while it runs`)
  return value
}

/** Returns the options that every call has, without those of one method. */
function callOptions(options) {
  if (options === undefined || options === null) return undefined
  const { timeout, signal, lock } = options
  return { timeout, signal, lock }
}

function openOptions(options) {
  return journalOptions(checked(options, 'openJournal'))
}

inspecting(Journal, (journal) => journal.path)

/** Makes a journal from a handle that was opened in another way. Internal. */
const journalOf = (handle, options) => new Journal(OWN, handle, options)

module.exports = { Journal, journalOf }
