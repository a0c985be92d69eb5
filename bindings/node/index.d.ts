/// <reference types="node" />
/// <reference path="./types/disposable.d.ts" />

/**
 * Appends records to JSONL files and saves JSON files safely from several processes: a lock for
 * each change, and no half-written file after a crash. The files stay plain files.
 *
 * Every asynchronous method has a `...Sync` twin, which blocks. Times are milliseconds.
 * Asynchronous calls never block the event loop. They wait without a limit, unless you set a
 * timeout. Blocking calls wait 5,000 ms at most by default.
 *
 * Every error is an `UntornError`, also an error about an argument. Two errors are not: one that
 * your own function throws, and the `reason` of an aborted signal. An option with an unknown name
 * is refused.
 */

/** The version of this package. */
export const version: string

export * from './types/words.js'
export * from './types/options.js'
export * from './types/reading.js'
export * from './types/salvage.js'
export * from './types/journal.js'
export * from './types/follow.js'
export * from './types/fold.js'
export * from './types/document.js'
export * from './types/lock.js'
export * from './types/process.js'
export * from './types/one-shot.js'
export * from './types/transaction.js'
export * from './types/snapshot.js'
export * from './types/session.js'
export * from './types/selftest.js'
export * from './types/events.js'
export * from './types/errors.js'
