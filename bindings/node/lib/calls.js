'use strict'

// One call into the addon, blocking or not: its time, its signal, its errors.

const native = require('../native.js')
const { fromFailure, fromThrown, invalid } = require('./errors.js')

const SYNC_TIMEOUT = 5_000
// Node's timers take no more; it is 24 days.
const LONGEST_TIMER = 2 ** 31 - 1

/** By the number of the call: its promise. */
const waiting = []

class Waiting {
  constructor(resolve, reject) {
    this.resolve = resolve
    this.reject = reject
  }
}

function settle(id, failure, value) {
  const promise = waiting[id]
  waiting[id] = undefined
  if (failure == null) promise.resolve(value)
  else promise.reject(fromFailure(failure))
}

function settleAppends(ended) {
  for (let i = 0; i < ended.length; i += 3) {
    const id = ended[i]
    const promise = waiting[id]
    waiting[id] = undefined
    promise.resolve({ generation: ended[i + 1], offset: ended[i + 2] })
  }
}

const port = new native.Port(settle, settleAppends)

/**
 * A promise of what `start(tryOnce)` begins; it returns the call's number.
 * `timeout` in milliseconds, `Infinity` for ever, 0 for one try.
 */
function begin(start, timeout, signal) {
  if (signal !== undefined || (timeout !== Infinity && timeout !== 0)) return beginLimited(start, timeout, signal)
  return new Promise((resolve, reject) => {
    try {
      waiting[start(timeout === 0)] = new Waiting(resolve, reject)
    } catch (error) {
      reject(fromThrown(error))
    }
  })
}

function beginLimited(start, timeout, signal) {
  if (signal?.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    let id
    try {
      id = start(timeout === 0)
    } catch (error) {
      reject(fromThrown(error))
      return
    }
    let timer
    if (timeout !== Infinity && timeout !== 0) {
      timer = setTimeout(() => port.expire(id, timeout), Math.min(timeout, LONGEST_TIMER))
    }
    const abort = () => port.cancel(id)
    // Before the promise settles: afterwards the number may be another call's.
    const over = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    waiting[id] = new Waiting(
      (value) => {
        over()
        resolve(value)
      },
      (error) => {
        over()
        reject(error.code === 'UNTORN_CANCELLED' && signal?.aborted ? signal.reason : error)
      },
    )
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** Runs a blocking call of the addon. */
function block(work) {
  try {
    return work()
  } catch (error) {
    throw fromThrown(error)
  }
}

/** How long an asynchronous call waits: its own timeout, the handle's, for ever. */
function patience(options, handle) {
  return checked(options?.timeout ?? handle ?? Infinity)
}

/** The same for a blocking call, as the addon takes it. */
function patienceSync(options, handle) {
  const timeout = checked(options?.timeout ?? handle ?? SYNC_TIMEOUT)
  return timeout === Infinity ? -1 : timeout
}

function checked(timeout) {
  if (typeof timeout === 'number' && timeout >= 0) return timeout
  throw invalid(`timeout is a number of milliseconds, 0 or more, or Infinity, not ${String(timeout)}`)
}

/** The signal of a call. */
function signalOf(options) {
  const signal = options?.signal
  if (signal === undefined || signal === null) return undefined
  if (typeof signal.addEventListener === 'function' && typeof signal.aborted === 'boolean') return signal
  throw invalid('signal is an AbortSignal')
}

module.exports = { Waiting, begin, block, native, patience, patienceSync, port, signalOf, waiting }
