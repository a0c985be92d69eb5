'use strict'

// What a function of the caller's runs within: `update` and its like hold a lock while they await that function. A call
// in there that waits for the same lock would wait for ever, and nothing would say so.

const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks')
const { realpathSync } = process.getBuiltinModule('node:fs')
const { basename, dirname, join } = process.getBuiltinModule('node:path')
const { deadlock } = require('./errors.js')
const { toPath } = require('./path.js')
const { Stop, isSignal, onAbort, reasonOf } = require('./signals.js')

const storage = new AsyncLocalStorage()
/** How many run. The storage costs something with every promise, so it is used only while there are some. */
let running = 0

/** One function of the caller's, the locks that are held for it, and what it can do instead. */
class Nest {
  constructor(verb, path, advice) {
    this.verb = verb
    this.advice = advice
    this.paths = new Set([path])
    this.runs = true
    this.outer = undefined
  }

  /** Another lock that is held until it ends. */
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

/** The function of the caller's that this is called from, if the lock of `path` is held for it. */
function nestOf(path) {
  for (let nest = storage.getStore(); nest !== undefined; nest = nest.outer) {
    if (nest.runs && nest.paths.has(path)) return nest
  }
  return undefined
}

/** The same for a call that waits for that lock. Not one that tries once, nor one that works under a lock given. */
function waitsIn(path, options) {
  if (running === 0 || options?.lock != null || options?.timeout === 0) return undefined
  return nestOf(path)
}

function refusal(operation, path, nest) {
  const detail = `this runs inside ${nest.verb} of ${path}, which has its lock, and would wait for itself for ever`
  return deadlock(`${operation} ${path}: ${detail}; ${nest.advice}`, { operation, path })
}

/** What an asynchronous call in a nest gives. It may be awaited when the nest has ended, but not before. */
class Nested extends Promise {
  /** `then` gives plain promises. */
  static get [Symbol.species]() {
    return Promise
  }

  static of(call, look) {
    const nested = new Nested((resolve, reject) => call.then(resolve, reject))
    nested.look = look
    Object.defineProperty(nested, 'look', { enumerable: false })
    // Whoever is told of it is told by `look`.
    call.catch(() => {})
    return nested
  }

  then(resolve, reject) {
    if (isAwait(resolve)) this.look()
    return super.then(resolve, reject)
  }
}

/** Whether `await` asks, and not a function that is called when it is over: who only asks for that does not wait. */
function isAwait(resolve) {
  return typeof resolve === 'function' && Function.prototype.toString.call(resolve).includes('[native code]')
}

/**
 * An asynchronous call, `work(options)`, that waits for the lock of `path`. Where that lock is held for the function
 * which makes the call, to await it there ends it: it is a `DeadlockError`.
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

/** The same for a path of the caller's, which may be a symbolic link, lead through one, or be no path at all. */
function nestableAt(operation, path, options, work) {
  if (running === 0) return work(options)
  let found
  try {
    found = real(toPath(path))
  } catch {
    // It is for `work` to say so.
    return work(options)
  }
  return nestable(operation, found, options, work)
}

/** A blocking call in a nest would stop the event loop that is to end the nest. */
function forbidNested(operation, path, options) {
  const nest = waitsIn(path, options)
  if (nest !== undefined) throw refusal(operation, path, nest)
}

function forbidNestedAt(operation, path, options) {
  if (running > 0) forbidNested(operation, real(path), options)
}

/** Whether the lock of `path` is held for the function of the caller's that this is called from. */
const isNested = (path) => nestOf(path) !== undefined

/** Whether a call may be within some function of the caller's: the short way is not for those. */
const mayBeNested = () => running > 0

function real(path) {
  try {
    return realpathSync(path)
  } catch {
    // It is not there yet; its directory may be.
  }
  try {
    return join(realpathSync(dirname(path)), basename(path))
  } catch {
    return path
  }
}

module.exports = { Nest, forbidNested, forbidNestedAt, isNested, mayBeNested, nestable, nestableAt }
