'use strict'

// One `exports.x =` per line: Node reads the names from this file for `import { Journal } from
// 'untorn'`.
exports.Journal = require('./lib/journal.js').Journal
exports.Document = require('./lib/document.js').Document
exports.FileLock = require('./lib/lock.js').FileLock

exports.Transaction = require('./lib/transaction.js').Transaction
exports.transaction = require('./lib/transact.js').transaction
exports.transactionSync = require('./lib/transact.js').transactionSync
exports.snapshot = require('./lib/snapshot.js').snapshot
exports.snapshotSync = require('./lib/snapshot.js').snapshotSync

exports.Store = require('./lib/store.js').Store
exports.Process = require('./lib/process.js').Process

exports.saveJson = require('./lib/one-shot.js').saveJson
exports.saveJsonSync = require('./lib/one-shot.js').saveJsonSync
exports.loadJson = require('./lib/one-shot.js').loadJson
exports.loadJsonSync = require('./lib/one-shot.js').loadJsonSync
exports.appendJson = require('./lib/one-shot.js').appendJson
exports.appendJsonSync = require('./lib/one-shot.js').appendJsonSync

exports.setWaitThreshold = require('./lib/event-delivery.js').setWaitThreshold
exports.flushEvents = require('./lib/event-delivery.js').flushEvents

exports.selftest = require('./lib/selftest.js').selftest
exports.selftestSync = require('./lib/selftest.js').selftestSync

exports.UntornError = require('./lib/errors.js').UntornError
// begin generated errors (spec/errors.toml, cargo xtask generate)
exports.LockTimeoutError = require('./lib/errors.js').LockTimeoutError
exports.LockedError = require('./lib/errors.js').LockedError
exports.DeadlockError = require('./lib/errors.js').DeadlockError
exports.LockUnsupportedError = require('./lib/errors.js').LockUnsupportedError
exports.ConflictError = require('./lib/errors.js').ConflictError
exports.AlreadyExistsError = require('./lib/errors.js').AlreadyExistsError
exports.NotFoundError = require('./lib/errors.js').NotFoundError
exports.InvalidRecordError = require('./lib/errors.js').InvalidRecordError
exports.CorruptError = require('./lib/errors.js').CorruptError
exports.LimitExceededError = require('./lib/errors.js').LimitExceededError
exports.StorageFullError = require('./lib/errors.js').StorageFullError
exports.PermissionDeniedError = require('./lib/errors.js').PermissionDeniedError
exports.NotDurableError = require('./lib/errors.js').NotDurableError
exports.PoisonedError = require('./lib/errors.js').PoisonedError
exports.CancelledError = require('./lib/errors.js').CancelledError
exports.InvalidArgumentError = require('./lib/errors.js').InvalidArgumentError
exports.IoError = require('./lib/errors.js').IoError
exports.InternalError = require('./lib/errors.js').InternalError
exports.LeaseLostError = require('./lib/errors.js').LeaseLostError
exports.UnsupportedError = require('./lib/errors.js').UnsupportedError
// end generated errors

exports.version = require('./lib/calls.js').native.version()
