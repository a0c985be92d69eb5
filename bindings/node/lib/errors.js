'use strict'

/** The details of an error, in the order in which it shows them. */
const DETAILS = ['operation', 'path', 'holder', 'position', 'sqlstate', 'detail', 'hint']

/** The base of every error of this library. */
class UntornError extends Error {
  constructor(code, message, details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    for (const name of DETAILS) {
      if (details[name] != null) this[name] = details[name]
    }
    // Negative, as in Node's own errors.
    if (details.errno != null) this.errno = -details.errno
  }

  /** For logs: `JSON.stringify` leaves out the message of an error. */
  toJSON() {
    const told = { name: this.name, code: this.code, message: this.message }
    for (const name of [...DETAILS, 'errno']) if (this[name] !== undefined) told[name] = this[name]
    return told
  }
}

// Sets the name of a class of errors. On the prototype, as for built-in errors: an own property would show up in every
// log of an error.
function named(Class, name) {
  Object.defineProperty(Class.prototype, 'name', { value: name, configurable: true, writable: true })
  return Class
}
named(UntornError, 'UntornError')

exports.UntornError = UntornError
// begin generated classes (spec/errors.toml, cargo xtask generate)
exports.LockTimeoutError = named(class LockTimeoutError extends UntornError {}, 'LockTimeoutError')
exports.LockedError = named(class LockedError extends UntornError {}, 'LockedError')
exports.DeadlockError = named(class DeadlockError extends UntornError {}, 'DeadlockError')
exports.LockUnsupportedError = named(class LockUnsupportedError extends UntornError {}, 'LockUnsupportedError')
exports.ConflictError = named(class ConflictError extends UntornError {}, 'ConflictError')
exports.AlreadyExistsError = named(class AlreadyExistsError extends UntornError {}, 'AlreadyExistsError')
exports.NotFoundError = named(class NotFoundError extends UntornError {}, 'NotFoundError')
exports.InvalidRecordError = named(class InvalidRecordError extends UntornError {}, 'InvalidRecordError')
exports.CorruptError = named(class CorruptError extends UntornError {}, 'CorruptError')
exports.LimitExceededError = named(class LimitExceededError extends UntornError {}, 'LimitExceededError')
exports.StorageFullError = named(class StorageFullError extends UntornError {}, 'StorageFullError')
exports.PermissionDeniedError = named(class PermissionDeniedError extends UntornError {}, 'PermissionDeniedError')
exports.NotDurableError = named(class NotDurableError extends UntornError {}, 'NotDurableError')
exports.PoisonedError = named(class PoisonedError extends UntornError {}, 'PoisonedError')
exports.CancelledError = named(class CancelledError extends UntornError {}, 'CancelledError')
exports.InvalidArgumentError = named(class InvalidArgumentError extends UntornError {}, 'InvalidArgumentError')
exports.IoError = named(class IoError extends UntornError {}, 'IoError')
exports.InternalError = named(class InternalError extends UntornError {}, 'InternalError')
exports.LeaseLostError = named(class LeaseLostError extends exports.ConflictError {}, 'LeaseLostError')
exports.UnsupportedError = named(class UnsupportedError extends UntornError {}, 'UnsupportedError')
// end generated classes

/** Returns the class of a code: "LOCK_TIMEOUT" is LockTimeoutError. */
function classFor(code) {
  const words = code.split('_').map((word) => word[0] + word.slice(1).toLowerCase())
  return exports[`${words.join('')}Error`] ?? UntornError
}

/** Makes an error from a failure that the addon reports. Its stack begins where `below` was called. */
exports.fromFailure = function fromFailure(failure, below = fromFailure) {
  const details = JSON.parse(failure)
  const Class = classFor(details.code)
  const error = new Class(`UNTORN_${details.code}`, details.message, details)
  Error.captureStackTrace?.(error, below)
  return error
}

/**
 * Whether the addon threw this, and not a function of the caller's. The class does not show it: the addon makes its
 * errors in the realm in which Node began, and this file may be in another.
 */
function isOfAddon(error) {
  const known = typeof error === 'object' && error !== null && error.code === 'GenericFailure'
  return known && typeof error.message === 'string' && error.message.startsWith('{"code":')
}
exports.isOfAddon = isOfAddon

/** Makes an error of this library from an error that the addon threw. */
exports.fromThrown = function fromThrown(error, below = fromThrown) {
  if (isOfAddon(error)) return exports.fromFailure(error.message, below)
  if (error instanceof UntornError || typeof error?.message !== 'string') return error
  // The addon refuses an argument of a wrong type before the library sees it.
  const refused = typeof error.code === 'string' && error.code.endsWith('Expected')
  if (refused || error.code === 'InvalidArg') return invalid(error.message, { cause: error })
  return new exports.InternalError('UNTORN_INTERNAL', `${error.message}: this is a bug in untorn`, { cause: error })
}

function invalid(message, details) {
  return new exports.InvalidArgumentError('UNTORN_INVALID_ARGUMENT', message, details)
}
exports.invalid = invalid

exports.invalidRecord = (message, details) =>
  new exports.InvalidRecordError('UNTORN_INVALID_RECORD', message, details)

exports.corrupt = (message, details) => new exports.CorruptError('UNTORN_CORRUPT', message, details)

exports.deadlock = (message, details) => new exports.DeadlockError('UNTORN_DEADLOCK', message, details)
