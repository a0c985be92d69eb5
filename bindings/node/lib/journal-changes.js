'use strict'

// The changes of a whole journal. Each takes the lock.

const { begin, beginLong, block } = require('./calls.js')
const { filled } = require('./codec.js')
const { invalid } = require('./errors.js')
const { JournalReading } = require('./journal-reading.js')
const { handleOf } = require('./lock.js')
const { comeLater, gathered } = require('./many.js')
const { Nest, forbidNested, nestable } = require('./nesting.js')
const { checked, checkedSync, isPosition, patience, patienceSync, whole } = require('./options.js')
const { compact, compactSync } = require('./rewrite.js')
const { signalOf, throwIfAborted } = require('./signals.js')

class JournalChanges extends JournalReading {
  #native
  #codec
  #path
  #timeout

  constructor(native, codec, timeout) {
    super(native, codec)
    this.#native = native
    this.#codec = codec
    this.#path = native.path
    this.#timeout = timeout
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

  pruneRotated(keep, olderThan = 0, options) {
    const [files, age] = [whole(keep, 'keep'), whole(olderThan, 'olderThan')]
    return this.#change('pruneRotated', (tryOnce, lock) => this.#native.pruneRotated(files, age, tryOnce, lock), options)
  }

  pruneRotatedSync(keep, olderThan = 0, options) {
    const [files, age] = [whole(keep, 'keep'), whole(olderThan, 'olderThan')]
    return this.#changeSync('pruneRotated', (timeout, lock) => this.#native.pruneRotatedSync(files, age, timeout, lock), options)
  }

  clear(options) {
    return this.#change('clear', (tryOnce, lock) => this.#native.clear(tryOnce, lock), options)
  }

  clearSync(options) {
    return this.#changeSync('clear', (timeout, lock) => this.#native.clearSync(timeout, lock), options)
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

  repair(options) {
    return this.#change('repair', (tryOnce, lock, reports) => this.#native.repair(tryOnce, lock, reports), options, 'change')
  }

  repairSync(options) {
    return this.#changeSync('repair', (timeout, lock) => this.#native.repairSync(timeout, lock), options, 'change')
  }

  async salvage(options) {
    return JSON.parse(await this.#change('salvage', (tryOnce, lock) => this.#native.salvage(tryOnce, lock), options))
  }

  salvageSync(options) {
    return JSON.parse(this.#changeSync('salvage', (timeout, lock) => this.#native.salvageSync(timeout, lock), options))
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

  #batch(fill) {
    return filled(this.#native.batch(), fill)
  }
}

function positionOf(to, verb) {
  if (isPosition(to)) return to
  throw invalid(`${verb} takes a position: an object with two whole numbers, generation and offset`)
}

function requiredFunction(change, verb) {
  if (typeof change !== 'function') throw invalid(`${verb} takes a function`)
  return change
}

module.exports = { JournalChanges }
