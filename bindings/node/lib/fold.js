'use strict'

// A state that is kept from a journal's records. It changes only within a turn,
// which has the journal's lock.

const { begin, block, patience, patienceSync, signalOf } = require('./calls.js')
const { filled } = require('./codec.js')
const { invalid } = require('./errors.js')
const { handleOf } = require('./lock.js')

/** There is no state: it is to be made anew. */
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
  /** Turns under a lock that is held already: nothing else keeps them apart. */
  #under = Promise.resolve()

  constructor(native, batch, codec, { initial, apply, decoder, timeout }) {
    this.#native = native
    this.#batch = batch
    this.#codec = codec
    this.#initial = initial
    this.#apply = apply
    this.#decoder = decoder
    this.#timeout = timeout
  }

  get state() {
    if (this.#state !== NONE) return this.#state
    throw this.#invalid('there is no state, since taking a record in failed; refresh() makes it anew')
  }

  get position() {
    return this.#native.position ?? null
  }

  async refresh(options) {
    const current = this.#state === NONE ? null : await begin(() => this.#native.current(), Infinity, signalOf(options))
    return current ?? this.#turn(() => undefined, options)
  }

  refreshSync(options) {
    const current = this.#state === NONE ? null : block(() => this.#native.currentSync())
    return current ?? this.#turnSync(() => undefined, options)
  }

  append(value, options) {
    return this.appendAll([value], options)
  }

  appendSync(value, options) {
    return this.appendAllSync([value], options)
  }

  async appendAll(values, options) {
    signalOf(options)?.throwIfAborted()
    // At once: the caller may change the values afterwards.
    const batch = this.#filled(values)
    return this.#turn(() => batch, options)
  }

  appendAllSync(values, options) {
    const batch = this.#filled(values)
    return this.#turnSync(() => batch, options)
  }

  async update(decide, options) {
    this.#checkDecide(decide)
    return this.#turn(async () => this.#filled(await decide(this.#state)), options)
  }

  updateSync(decide, options) {
    this.#checkDecide(decide)
    return this.#turnSync(() => {
      const values = decide(this.#state)
      if (typeof values?.then === 'function') throw this.#invalid('updateSync takes a function that is not async')
      return this.#filled(values)
    }, options)
  }

  /** `decide` gives what is to be appended, or nothing; the state it sees is that of the whole journal. */
  async #turn(decide, options) {
    const lock = handleOf(options?.lock)
    const timeout = patience(options, this.#timeout)
    const signal = signalOf(options)
    if (lock === undefined) return this.#oneTurn(decide, lock, timeout, signal)
    const turn = this.#under.then(() => this.#oneTurn(decide, lock, timeout, signal))
    this.#under = turn.catch(() => {})
    return turn
  }

  async #oneTurn(decide, lock, timeout, signal) {
    const turn = await begin((tryOnce) => this.#native.begin(tryOnce, lock), timeout, signal)
    try {
      await this.#takeIn(turn)
      let end
      try {
        // It may have been granted at the same moment.
        signal?.throwIfAborted()
        const batch = await decide()
        signal?.throwIfAborted()
        if (batch !== undefined) end = await begin(() => turn.append(batch), Infinity)
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

  #turnSync(decide, options) {
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
   * In chunks, between which others run: what they see is the state of a beginning of the journal, for one that is
   * made anew is seen only when it is whole.
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

  /** Takes a chunk in; gives the state that is being made anew, if one is. */
  #fold(chunk, fresh, last) {
    const renewed = chunk.restart ? this.#initial() : fresh
    let state = renewed === NONE ? this.#state : renewed
    for (const { value } of this.#decoder.entries(chunk)) {
      const changed = this.#apply(state, value)
      if (changed === undefined) continue
      if (typeof changed?.then === 'function') throw this.#invalid('apply is not async')
      state = changed
    }
    if (renewed !== NONE && !last) return state
    this.#state = state
    return NONE
  }

  #filled(values) {
    if (values === undefined || values === null) return undefined
    let any = false
    const batch = filled(this.#batch(), (empty) => {
      for (const value of values) {
        this.#codec.push(empty, value)
        any = true
      }
    })
    return any ? batch : undefined
  }

  #checkDecide(decide) {
    if (typeof decide !== 'function') throw this.#invalid('update takes a function')
  }

  #invalid(detail) {
    return invalid(`fold ${this.#codec.path}: ${detail}`, { operation: 'fold', path: this.#codec.path })
  }
}

module.exports = { Fold }
