'use strict'

// A state that follows a journal's records. It changes only within a turn, which holds the journal's lock.

const { begin, block } = require('./calls.js')
const { filled } = require('./codec.js')
const { invalid } = require('./errors.js')
const { adopted, isPromise } = require('./foreign.js')
const { inspecting } = require('./inspecting.js')
const { handleOf } = require('./lock.js')
const { comeLater, gathered, many } = require('./many.js')
const { Nest, forbidNested, nestable } = require('./nesting.js')
const { checked, checkedSync, patience, patienceSync } = require('./options.js')
const { Walk } = require('./records.js')
const { signalOf, throwIfAborted } = require('./signals.js')

/** No state exists: the next turn computes it again. */
const NONE = Symbol('no state')

class Fold {
  #native
  #batch
  #codec
  #initial
  #apply
  #decoder
  #timeout
  #state = NONE
  #closed = false
  /** Whether turns run one after another: in a database no lock keeps them apart. */
  #oneByOne
  /** Turns under a lock that the caller already holds. Nothing else keeps them apart. */
  #under = Promise.resolve()

  constructor(native, batch, codec, { initial, apply, decoder, timeout }) {
    this.#native = native
    this.#batch = batch
    this.#codec = codec
    this.#initial = initial
    this.#apply = apply
    this.#decoder = decoder
    this.#timeout = timeout
    this.#oneByOne = native.oneByOne === true
  }

  get state() {
    if (this.#state !== NONE) return this.#state
    throw this.#invalid('no state exists, because apply failed for a record; refresh() computes it again')
  }

  get position() {
    return adopted(this.#native.position) ?? null
  }

  refresh(options) {
    return nestable('fold', this.#codec.path, options, (given) => this.#refresh(given))
  }

  async #refresh(options) {
    checked(options, 'call')
    const current = this.#state === NONE ? null : await begin(() => this.#native.current(), Infinity, signalOf(options))
    return current ?? this.#turn(() => undefined, options)
  }

  refreshSync(options) {
    checkedSync(options, 'call')
    const current = this.#state === NONE ? null : block(() => this.#native.currentSync())
    return current ?? this.#turnSync(() => undefined, options)
  }

  append(value, options) {
    return this.appendAll([value], options)
  }

  appendSync(value, options) {
    return this.appendAllSync([value], options)
  }

  appendAll(values, options) {
    return nestable('fold', this.#codec.path, options, async (given) => {
      checked(given, 'call')
      throwIfAborted(signalOf(given))
      // At once: the caller may change the values after the call.
      const all = comeLater(values, 'appendAll', this.#codec.path) ? await gathered(values) : values
      const batch = this.#filled(all, 'appendAll')
      return this.#turn(() => batch, given)
    })
  }

  appendAllSync(values, options) {
    checkedSync(options, 'call')
    const batch = this.#filled(values, 'appendAllSync')
    return this.#turnSync(() => batch, options)
  }

  update(decide, options) {
    return nestable('fold', this.#codec.path, options, async (given) => {
      this.#checkDecide(decide)
      checked(given, 'call')
      const nest = new Nest('update', this.#codec.path, 'return the records instead of appending them')
      return this.#turn(() => nest.run(() => this.#decided(decide)), given, true)
    })
  }

  /** Returns a batch of the records to append, if `decide` chose any. */
  async #decided(decide) {
    const values = await decide(this.#state)
    if (values === undefined || values === null) return undefined
    return this.#filled(comeLater(values, 'update', this.#codec.path) ? await gathered(values) : values, 'update')
  }

  updateSync(decide, options) {
    this.#checkDecide(decide)
    checkedSync(options, 'call')
    return this.#turnSync(() => {
      const values = decide(this.#state)
      if (isPromise(values)) throw this.#invalid('updateSync takes a function that is not async')
      return values === undefined || values === null ? undefined : this.#filled(values, 'updateSync')
    }, options)
  }

  async close() {
    this.closeSync()
  }

  closeSync() {
    this.#closed = true
    this.#native.close()
  }

  [Symbol.dispose]() {
    this.closeSync()
  }

  async [Symbol.asyncDispose]() {
    await this.close()
  }

  /**
   * `decide` returns the records to append, or nothing. The state that it sees is that of the whole journal. `depends`:
   * the records depend on that state.
   */
  async #turn(decide, options, depends = false) {
    this.#checkOpen()
    const lock = handleOf(options?.lock)
    const timeout = patience(options, this.#timeout)
    const signal = signalOf(options)
    const next = () => this.#oneTurn(decide, lock, timeout, signal, depends)
    if (lock === undefined && !this.#oneByOne) return next()
    const turn = this.#under.then(next)
    this.#under = turn.catch(() => {})
    return turn
  }

  async #oneTurn(decide, lock, timeout, signal, depends) {
    const turn = await begin((tryOnce) => this.#native.begin(tryOnce, lock), timeout, signal)
    try {
      await this.#takeIn(turn)
      let end
      try {
        // The lock may have been granted at the same moment.
        throwIfAborted(signal)
        end = await this.#appended(turn, decide, depends, signal)
      } catch (error) {
        // The state is right.
        await begin(() => turn.finish(), Infinity)
        throw error
      }
      if (end !== undefined) await this.#takeIn(turn)
      const position = await begin(() => turn.finish(), Infinity)
      return end ?? position
    } finally {
      await begin(() => turn.abandon(), Infinity)
    }
  }

  /** Appends what `decide` chose. In a database another process can be faster: then it decides again. */
  async #appended(turn, decide, depends, signal) {
    for (;;) {
      const batch = await decide()
      throwIfAborted(signal)
      if (batch === undefined) return undefined
      const end = await begin(() => turn.append(batch, depends), Infinity)
      if (end !== null) return end
      await this.#takeIn(turn)
    }
  }

  #turnSync(decide, options) {
    this.#checkOpen()
    forbidNested('fold', this.#codec.path, options)
    const lock = handleOf(options?.lock)
    const turn = block(() => this.#native.beginSync(patienceSync(options, this.#timeout), lock))
    try {
      this.#takeInSync(turn)
      let end
      try {
        const batch = decide()
        if (batch !== undefined) end = block(() => turn.appendSync(batch))
      } catch (error) {
        block(() => turn.finishSync())
        throw error
      }
      if (end !== undefined) this.#takeInSync(turn)
      const position = block(() => turn.finishSync())
      return end ?? position
    } finally {
      turn.abandonSync()
    }
  }

  /**
   * Applies records in chunks, between which other code runs. That code sees the state of a first part of the journal.
   * A state that is computed again becomes visible only when it is complete.
   */
  async #takeIn(turn) {
    let fresh = NONE
    try {
      for (let last = false; !last; ) {
        const chunk = await begin(() => turn.next(), Infinity)
        last = chunk.last
        fresh = this.#fold(chunk, fresh, last)
      }
    } catch (error) {
      this.#state = NONE
      throw error
    }
  }

  #takeInSync(turn) {
    let fresh = NONE
    try {
      for (let last = false; !last; ) {
        const chunk = block(() => turn.nextSync())
        last = chunk.last
        fresh = this.#fold(chunk, fresh, last)
      }
    } catch (error) {
      this.#state = NONE
      throw error
    }
  }

  /** Applies a chunk. Returns the state that is being computed again, if any. */
  #fold(chunk, fresh, last) {
    const renewed = chunk.restart ? this.#first() : fresh
    let state = renewed === NONE ? this.#state : renewed
    const walk = new Walk(this.#decoder, chunk)
    while (walk.next()) {
      const changed = this.#apply(state, walk.value)
      if (changed === undefined) continue
      if (isPromise(changed)) throw this.#invalid('apply must not be async')
      state = changed
    }
    if (renewed !== NONE && !last) return state
    this.#state = state
    return NONE
  }

  #first() {
    const state = this.#initial()
    if (isPromise(state)) throw this.#invalid('initial must not be async')
    return state
  }

  #filled(values, verb) {
    const records = many(values, verb, this.#codec.path)
    let any = false
    const batch = filled(this.#batch(), (empty) => {
      for (const value of records) {
        this.#codec.push(empty, value)
        any = true
      }
    })
    return any ? batch : undefined
  }

  #checkOpen() {
    if (this.#closed) throw this.#invalid('the fold is closed')
  }

  #checkDecide(decide) {
    if (typeof decide !== 'function') throw this.#invalid('update takes a function')
  }

  #invalid(detail) {
    return invalid(`fold ${this.#codec.path}: ${detail}`, { operation: 'fold', path: this.#codec.path })
  }
}

inspecting(Fold, ({ position }) => ({ position }))

module.exports = { Fold }
