'use strict'

// Detects calls that would wait for themselves. `update` and the like hold a lock while they await a function of the
// caller's. A call within that function that waits for the same lock would never return, and nothing would report it.

const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks')
const { realpathSync } = process.getBuiltinModule('node:fs')
const { basename, dirname, join } = process.getBuiltinModule('node:path')
const { deadlock } = require('./errors.js')
const { toPath } = require('./path.js')
const { Stop, isSignal, onAbort, reasonOf } = require('./signals.js')

const storage = new AsyncLocalStorage()
/** How many of these functions run. The storage has a cost for every promise, so it is used only while one runs. */
let running = 0

/** A function of the caller's, the locks that are held for it, and what it can do instead. */
class Nest {
  constructor(verb, path, advice) {
    this.verb = verb
    this.advice = advice
    this.paths = new Set([path])
    this.runs = true
    this.outer = undefined
  }

  /** Adds a lock that is held until the function ends. */
  hold(path) {
    this.paths.add(path)
  }

  async run(work) {
    this.outer = storage.getStore()
    running += 1
    try {
      return await storage.run(this, work)
    } finally {
      this.runs = false
      running -= 1
      if (running === 0) storage.disable()
    }
  }
}

/** Returns the function of the caller's that makes this call, if the lock of `path` is held for it. */
function nestOf(path) {
  for (let nest = storage.getStore(); nest !== undefined; nest = nest.outer) {
    if (nest.runs && nest.paths.has(path)) return nest
  }
  return undefined
}

/**
 * The same for a call that waits for that lock. A call that tries once does not wait, nor does one under a given lock.
 */
function waitsIn(path, options) {
  if (running === 0 || options?.lock != null || options?.timeout === 0) return undefined
  return nestOf(path)
}

function refusal(operation, path, nest) {
  const detail = `this runs inside ${nest.verb} of ${path}, which holds its lock: it would wait for itself and never return`
  return deadlock(`${operation} ${path}: ${detail}; ${nest.advice}`, { operation, path })
}

/**
 * The promise of an asynchronous call in such a function. It may be awaited after the function has ended, but not
 * before.
 */
class Nested extends Promise {
  /** `then` returns plain promises. */
  static get [Symbol.species]() {
    return Promise
  }

  static of(call, look) {
    const nested = new Nested((resolve, reject) => call.then(resolve, reject))
    nested.look = look
    Object.defineProperty(nested, 'look', { enumerable: false })
    // `look` reports the error to the code that awaits.
    call.catch(() => {})
    return nested
  }

  then(resolve, reject) {
    if (isAwait(resolve)) this.look()
    return super.then(resolve, reject)
  }
}

/** Whether `await` calls `then`. Other code that calls it only asks for a callback, and does not wait. */
function isAwait(resolve) {
  return typeof resolve === 'function' && Function.prototype.toString.call(resolve).includes('[native code]')
}

/**
 * Makes an asynchronous call, `work(options)`, that waits for the lock of `path`. If that lock is held for the function
 * that makes the call, awaiting the call there is a `DeadlockError`.
 */
function nestable(operation, path, options, work) {
  const nest = waitsIn(path, options)
  if (nest === undefined) return work(options)
  const stop = new Stop()
  const signal = options?.signal
  const forget = isSignal(signal) ? onAbort(signal, () => stop.abort(reasonOf(signal))) : undefined
  const call = work(isSignal(signal) || signal == null ? { ...options, signal: stop } : options)
  const over = () => forget?.()
  call.then(over, over)
  return Nested.of(call, () => {
    if (nestOf(path) === nest) stop.abort(refusal(operation, path, nest))
  })
}

/** The same for a path of the caller's. It may be a symbolic link, lead through one, or not be a path at all. */
function nestableAt(operation, path, options, work) {
  if (running === 0) return work(options)
  let found
  try {
    found = real(toPath(path))
  } catch {
    // `work` reports the error.
    return work(options)
  }
  return nestable(operation, found, options, work)
}

/** Throws if a blocking call would stop the event loop that the function needs to end. */
function forbidNested(operation, path, options) {
  const nest = waitsIn(path, options)
  if (nest !== undefined) throw refusal(operation, path, nest)
}

function forbidNestedAt(operation, path, options) {
  if (running > 0) forbidNested(operation, real(path), options)
}

/** Whether the lock of `path` is held for the function of the caller's that makes this call. */
const isNested = (path) => nestOf(path) !== undefined

/** Whether a call may be within such a function. The fast path is not for those calls. */
const mayBeNested = () => running > 0

function real(path) {
  try {
    return realpathSync(path)
  } catch {
    // The file does not exist yet, but its directory may.
  }
  try {
    return join(realpathSync(dirname(path)), basename(path))
  } catch {
    return path
  }
}

module.exports = { Nest, forbidNested, forbidNestedAt, isNested, mayBeNested, nestable, nestableAt }
