'use strict'

// Records as they come, for `for await`.

const { begin, signalOf } = require('./calls.js')
const { optionalFunction } = require('./encoding.js')

const ignore = () => {}

/**
 * Not an async generator: `return()` of one waits for a `next()` that is under
 * way, and here it is what ends that.
 */
class Follow {
  #decoder
  #onRewind
  #signal
  #stop = new AbortController()
  /** Aborted by the caller's signal, or by `return()`. */
  #ending
  #opening
  #position
  /** What the last chunk still has. */
  #entries
  #last = false
  #over = false
  /** Calls of `next()` take turns. */
  #turn = Promise.resolve()

  constructor(open, codec, options) {
    this.#decoder = codec.decoder(options)
    this.#onRewind = optionalFunction(options, 'onRewind')
    this.#signal = signalOf(options)
    this.#ending = this.#signal === undefined ? this.#stop.signal : AbortSignal.any([this.#signal, this.#stop.signal])
    this.#opening = open(options?.start).then((native) => {
      this.#position = native.start
      return native
    })
    // Whoever asks is told.
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
        this.#signal?.throwIfAborted()
        const entry = this.#entries?.next()
        if (entry?.done === false) {
          this.#position = entry.value.end
          return { value: entry.value.value, done: false }
        }
        if (this.#last) break
        await this.#chunk()
      }
    } catch (error) {
      // As a generator that has thrown; `position` says where to go on.
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
    const chunk = await begin(() => native.next(), Infinity, this.#ending)
    this.#last = chunk.last
    if (chunk.rewound != null) {
      this.#position = chunk.rewound.to
      this.#onRewind?.(chunk.rewound)
    }
    this.#entries = this.#decoder.entries(chunk)
  }

  async #close() {
    const native = await this.#opening.catch(ignore)
    if (native !== undefined) await begin(() => native.close(), Infinity)
  }
}

module.exports = { Follow }
