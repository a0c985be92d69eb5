'use strict'

// The things that can end a wait: the caller's `AbortSignal`, or a `Stop`.

const { invalid } = require('./errors.js')

/** One listener per signal for all calls that wait on it: Node warns about more than ten. */
const watched = new WeakMap()

class Watch {
  constructor(signal) {
    this.acts = new Set()
    this.signal = signal
    this.listener = () => {
      for (const act of [...this.acts]) act()
    }
    signal.addEventListener('abort', this.listener)
  }
}

/** A signal without `AbortController`, of which each realm has its own. */
class Stop {
  aborted = false
  reason = undefined
  #acts = new Set()

  abort(reason) {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    for (const act of [...this.#acts]) act()
    this.#acts.clear()
  }

  watch(act) {
    this.#acts.add(act)
    return () => this.#acts.delete(act)
  }
}

/** Calls `act` when the signal is aborted. Returns a function that ends the listening. */
function onAbort(signal, act) {
  if (signal instanceof Stop) return signal.watch(act)
  let watch = watched.get(signal)
  if (watch === undefined) {
    watch = new Watch(signal)
    watched.set(signal, watch)
  }
  watch.acts.add(act)
  return () => {
    watch.acts.delete(act)
    if (watch.acts.size > 0 || watched.get(signal) !== watch) return
    watched.delete(signal)
    signal.removeEventListener('abort', watch.listener)
  }
}

/** Whether a value is an `AbortSignal`, from any realm. */
function isSignal(value) {
  if (value instanceof Stop) return true
  return typeof value?.addEventListener === 'function' && typeof value.aborted === 'boolean'
}

/** Returns the signal of a call. */
function signalOf(options) {
  const signal = options?.signal
  if (signal === undefined || signal === null) return undefined
  if (isSignal(signal)) return signal
  throw invalid('signal must be an AbortSignal')
}

/** Returns the reason with which an aborted call rejects. */
function reasonOf(signal) {
  if (signal.reason !== undefined) return signal.reason
  const error = new Error('The operation was aborted')
  error.name = 'AbortError'
  return error
}

function throwIfAborted(signal) {
  if (signal?.aborted) throw reasonOf(signal)
}

module.exports = { Stop, isSignal, onAbort, reasonOf, signalOf, throwIfAborted }
