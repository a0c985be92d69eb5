'use strict'

// Records as they are appended, for `for await`.

const { begin, port } = require('./calls.js')
const { optionalFunction } = require('./encoding.js')
const { adopted } = require('./foreign.js')
const { inspecting } = require('./inspecting.js')
const { Stop, onAbort, reasonOf, signalOf, throwIfAborted } = require('./signals.js')

const ignore = () => {}

/**
 * Not an async generator: its `return()` would wait for a `next()` that is running, but here `return()` must end that
 * `next()`.
 */
class Follow {
  #decoder
  #onRewind
  #signal
  /** Aborted by the caller's signal, or by `return()`. */
  #stop = new Stop()
  /** Stops listening to the caller's signal. */
  #forget
  #opening
  #position
  /** The entries of the last chunk that were not yielded yet. */
  #entries
  #last = false
  /** The number of the wait that is running. */
  #wait
  #keepsAlive = true
  #over = false
  /** Calls of `next()` run one after the other. */
  #turn = Promise.resolve()

  constructor(open, codec, options) {
    this.#decoder = codec.decoder('follow', options)
    this.#onRewind = optionalFunction(options, 'onRewind')
    this.#signal = signalOf(options)
    if (this.#signal !== undefined) {
      this.#forget = onAbort(this.#signal, () => this.#stop.abort(reasonOf(this.#signal)))
    }
    this.#opening = open(options?.start).then((native) => {
      // Undefined if the journal was closed in the meantime.
      if (native !== undefined) this.#position = adopted(native.start)
      return native
    })
    // `ready()` and `next()` report the error.
    this.#opening.catch(ignore)
  }

  get position() {
    return this.#position
  }

  async ready() {
    await this.#opening
  }

  next() {
    const result = this.#turn.then(() => this.#next())
    this.#turn = result.catch(ignore)
    return result
  }

  async return(value) {
    this.#over = true
    this.#stop.abort()
    await this.#turn
    await this.#close()
    return { value, done: true }
  }

  async throw(error) {
    await this.return()
    throw error
  }

  ref() {
    return this.#keepAlive(true)
  }

  unref() {
    return this.#keepAlive(false)
  }

  [Symbol.asyncIterator]() {
    return this
  }

  async [Symbol.asyncDispose]() {
    await this.return()
  }

  async #next() {
    if (this.#over) return { value: undefined, done: true }
    try {
      for (;;) {
        throwIfAborted(this.#signal)
        const entry = this.#entries?.next()
        if (entry?.done === false) {
          this.#position = entry.value.end
          return { value: entry.value.value, done: false }
        }
        if (this.#last) break
        await this.#chunk()
      }
    } catch (error) {
      // Ended, as a generator that has thrown. `position` is where to continue.
      const ended = this.#over
      this.#over = true
      await this.#close()
      if (!ended) throw error
    }
    this.#over = true
    return { value: undefined, done: true }
  }

  async #chunk() {
    const native = await this.#opening
    if (native === undefined) {
      this.#last = true
      return
    }
    const wait = () => {
      this.#wait = native.next()
      if (!this.#keepsAlive) port.keepAlive(this.#wait, false)
      return this.#wait
    }
    let chunk
    try {
      chunk = await begin(wait, Infinity, this.#stop)
    } finally {
      // Another call may have the number now.
      this.#wait = undefined
    }
    this.#last = chunk.last
    if (chunk.rewound != null) {
      this.#position = chunk.rewound.to
      this.#onRewind?.(chunk.rewound)
    }
    this.#entries = this.#decoder.entries(chunk)
  }

  #keepAlive(keepsAlive) {
    this.#keepsAlive = keepsAlive
    if (this.#wait !== undefined) port.keepAlive(this.#wait, keepsAlive)
    return this
  }

  async #close() {
    this.#forget?.()
    const native = await this.#opening.catch(ignore)
    if (native !== undefined) await begin(() => native.close(), Infinity)
  }
}

inspecting(Follow, ({ position }) => ({ position }))

module.exports = { Follow }
