'use strict'

// One call into the addon, blocking or not: its timeout, its signal, its errors.

// Not the globals: test runners replace them with clocks that stand still.
const { clearTimeout, setTimeout } = process.getBuiltinModule('node:timers')
const native = require('#addon')
const { fromFailure, fromThrown } = require('./errors.js')
const { tell } = require('./events.js')
const { adopted } = require('./foreign.js')
const { onAbort, reasonOf } = require('./signals.js')

// The longest time that Node's timers accept: 24 days.
const LONGEST_TIMER = 2 ** 31 - 1

/** The promise of each call, by the number of the call. */
const waiting = []

class Waiting {
  constructor(resolve, reject) {
    this.resolve = resolve
    this.reject = reject
  }
}

/** The addon's report about a call that failed. */
class Failure {
  constructor(text) {
    this.text = text
  }
}

function settle(id, failure, value) {
  const promise = waiting[id]
  waiting[id] = undefined
  if (reporting.size > 0) reporting.delete(id)
  if (failure == null) promise.resolve(adopted(value))
  else promise.reject(new Failure(failure))
}

function settleAppends(ended) {
  for (let i = 0; i < ended.length; i += 3) {
    const id = ended[i]
    const promise = waiting[id]
    waiting[id] = undefined
    promise.resolve({ generation: ended[i + 1], offset: ended[i + 2] })
  }
}

/** The function that learns how far a call is, by the number of the call. */
const reporting = new Map()

function report(reports) {
  for (let i = 0; i < reports.length; i += 3) {
    const onProgress = reporting.get(reports[i])
    if (onProgress === undefined) continue
    try {
      onProgress({ done: reports[i + 1], total: reports[i + 2] })
    } catch (error) {
      // As for a listener of an event: the call itself goes on.
      process.nextTick(() => {
        throw error
      })
    }
  }
}

const port = new native.Port(settle, settleAppends, tell, report)

/**
 * Makes the error of a call. This happens in the turn in which the caller's `await` continues: only there does the
 * error's stack lead to the caller.
 */
function told(reason) {
  throw reason instanceof Failure ? fromFailure(reason.text, told) : reason
}

/** Returns a promise of the call that `start()` begins. `start()` returns the call's number. */
function promised(start) {
  return new Promise((resolve, reject) => {
    try {
      waiting[start()] = new Waiting(resolve, reject)
    } catch (error) {
      reject(fromThrown(error))
    }
  }).then(undefined, told)
}

/**
 * Returns a promise of the call that `start(tryOnce)` begins. `start` returns the call's number. `timeout` is in
 * milliseconds; `Infinity` waits without a limit, 0 tries once.
 */
function begin(start, timeout, signal) {
  if (signal !== undefined || (timeout !== Infinity && timeout !== 0)) return beginLimited(start, timeout, signal)
  return promised(() => start(timeout === 0))
}

function beginLimited(start, timeout, signal) {
  if (signal?.aborted) return Promise.reject(reasonOf(signal))
  let aborted = false
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
      port.limit(id)
      timer = setTimeout(() => port.expire(id, timeout), Math.min(timeout, LONGEST_TIMER))
    }
    const forget = signal === undefined ? undefined : onAbort(signal, () => {
      aborted = true
      port.cancel(id)
    })
    // Before the promise settles: after that another call may have the number.
    const over = () => {
      clearTimeout(timer)
      forget?.()
    }
    waiting[id] = new Waiting(
      (value) => {
        over()
        resolve(value)
      },
      (failure) => {
        over()
        reject(failure)
      },
    )
  }).catch(function toldOrAborted(reason) {
    if (!(reason instanceof Failure)) throw reason
    const error = fromFailure(reason.text, toldOrAborted)
    throw aborted && error.code === 'UNTORN_CANCELLED' ? reasonOf(signal) : error
  })
}

/** The same as `begin`. `onProgress`, if any, learns how far the call is. The second argument of `start` says whether to report. */
function beginLong(start, timeout, signal, onProgress) {
  if (onProgress == null) return begin((tryOnce) => start(tryOnce, false), timeout, signal)
  const started = (tryOnce) => {
    const id = start(tryOnce, true)
    reporting.set(id, onProgress)
    return id
  }
  return begin(started, timeout, signal)
}

/** Runs a blocking call of the addon. */
function block(work) {
  try {
    return adopted(work())
  } catch (error) {
    throw fromThrown(error, block)
  }
}

module.exports = { begin, beginLong, block, native, port, promised }
