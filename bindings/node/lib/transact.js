'use strict'

// Transactions that end with a function of the caller's.

const { invalid } = require('./errors.js')
const { isPromise } = require('./foreign.js')
const { nestableAt } = require('./nesting.js')
const { signalOf, throwIfAborted } = require('./signals.js')
const { Transaction, nestOf } = require('./transaction.js')

/** Commits when `work` returns, and rolls back if it fails. */
function transaction(dir, work, options) {
  return nestableAt('begin', dir, options, (given) => carriedOut(() => Transaction.begin(dir, given), work, given))
}

/** The same in a transaction that `begin` begins. Internal. */
async function carriedOut(begin, work, options) {
  requireFunction(work, 'transaction')
  const tx = await begin()
  try {
    const result = await nestOf(tx, 'transaction').run(() => work(tx))
    throwIfAborted(signalOf(options))
    await tx.commit(waitOptions(options))
    return result
  } finally {
    // After a commit this does nothing.
    await tx.rollback()
  }
}

function transactionSync(dir, work, options) {
  requireFunction(work, 'transactionSync')
  const tx = Transaction.beginSync(dir, options)
  try {
    const result = work(tx)
    if (isPromise(result)) {
      throw invalid(`transaction ${tx.dir}: transactionSync takes a function that is not async; nothing was changed`)
    }
    tx.commitSync(waitOptions(options))
    return result
  } finally {
    tx.rollbackSync()
  }
}

function requireFunction(work, verb) {
  if (typeof work !== 'function') throw invalid(`${verb} takes a function, which gets the transaction`)
}

/** Returns the options that every call has, without those of a transaction. */
function waitOptions(options) {
  return options == null ? undefined : { timeout: options.timeout, signal: options.signal }
}

module.exports = { carriedOut, transaction, transactionSync }
