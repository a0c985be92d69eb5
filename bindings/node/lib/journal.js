'use strict'

const { begin, block, port, promised } = require('./calls.js')
const { Codec, filled } = require('./codec.js')
const { checkRaw, encodeRecord } = require('./encoding.js')
const { invalid } = require('./errors.js')
const { Fold } = require('./fold.js')
const { Follow } = require('./follow.js')
const { isAsync } = require('./foreign.js')
const { inspecting } = require('./inspecting.js')
const { JournalChanges } = require('./journal-changes.js')
const { handleOf } = require('./lock.js')
const { comeLater, gathered } = require('./many.js')
const { forbidNested, mayBeNested, nestable } = require('./nesting.js')
const { checked, checkedOpen, checkedSync, journalOptions, patience, patienceSync, shown } = require('./options.js')
const { toPath } = require('./path.js')
const { signalOf, throwIfAborted } = require('./signals.js')

const OWN = Symbol('made by this module')

class Journal extends JournalChanges {
  #native
  // Functions of the addon that contain the handle, made when they are first needed.
  #append
  #appendSync
  #appendRawSync
  #appendTextSync
  #path
  #timeout
  #codec
  #generation = 0
  #closed = false

  constructor(own, handle, options) {
    if (own !== OWN) throw invalid('use Journal.open(path) or Journal.openSync(path)')
    const codec = new Codec(handle.path, options)
    super(handle, codec, options?.timeout)
    this.#native = handle
    this.#path = handle.path
    this.#timeout = options?.timeout
    this.#codec = codec
  }

  static async open(path, options) {
    const file = toPath(path)
    const how = openOptions(file, options)
    return new Journal(OWN, await begin(() => port.openJournal(file, how), Infinity), options)
  }

  static openSync(path, options) {
    const file = toPath(path)
    const how = openOptions(file, options)
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
      const append = (this.#appendSync ??= this.#native.boundAppendSync())
      return this.#position(block(() => append(text, timeout)))
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
    if (options === undefined) {
      forbidNested('append', this.#path)
      const timeout = patienceSync(undefined, this.#timeout)
      const raw = checkRaw(record, this.#path)
      const append =
        typeof raw === 'string'
          ? (this.#appendTextSync ??= this.#native.boundAppendTextSync())
          : (this.#appendRawSync ??= this.#native.boundAppendRawSync())
      return this.#position(block(() => append(raw, timeout)))
    }
    return this.#block('call', (batch) => batch.push(checkRaw(record, this.#path)), options)
  }

  async setHeader(value, options) {
    await this.#queue('call', (batch) => batch.setHeader(this.#codec.encode(value)), options)
  }

  setHeaderSync(value, options) {
    this.#block('call', (batch) => batch.setHeader(this.#codec.encode(value)), options)
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
      const append = (this.#append ??= this.#native.boundAppend())
      return append(encodeRecord(value, this.#path))
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

function openOptions(path, options) {
  return journalOptions(checkedOpen(path, options, 'openJournal'))
}

inspecting(Journal, (journal) => journal.path)

/** Makes a journal from a handle that was opened in another way. Internal. */
const journalOf = (handle, options) => new Journal(OWN, handle, options)

module.exports = { Journal, journalOf }
