// Errors.

import type { Holder } from './lock.js'
import type { Position } from './reading.js'

// begin generated error codes (spec/errors.toml, cargo xtask generate)
/** The codes of errors, the same in every language. */
export type ErrorCode =
  | 'UNTORN_LOCK_TIMEOUT'
  | 'UNTORN_LOCKED'
  | 'UNTORN_DEADLOCK'
  | 'UNTORN_LOCK_UNSUPPORTED'
  | 'UNTORN_CONFLICT'
  | 'UNTORN_ALREADY_EXISTS'
  | 'UNTORN_NOT_FOUND'
  | 'UNTORN_INVALID_RECORD'
  | 'UNTORN_CORRUPT'
  | 'UNTORN_LIMIT_EXCEEDED'
  | 'UNTORN_STORAGE_FULL'
  | 'UNTORN_PERMISSION_DENIED'
  | 'UNTORN_NOT_DURABLE'
  | 'UNTORN_POISONED'
  | 'UNTORN_CANCELLED'
  | 'UNTORN_INVALID_ARGUMENT'
  | 'UNTORN_IO'
  | 'UNTORN_INTERNAL'
  | 'UNTORN_LEASE_LOST'
  | 'UNTORN_UNSUPPORTED'
// end generated error codes

/** The base of every error of this library. */
export class UntornError extends Error {
  protected constructor()
  /** The kind of error: every class has one. */
  readonly code: ErrorCode
  /** The operation that failed: `'append'`, `'save'`, `'lock'`, ... */
  readonly operation?: string
  /** The path of the file. */
  readonly path?: string
  /** The system's error number, negative, if the system reported one. */
  readonly errno?: number
  /** The process that holds the lock, if it is known. */
  readonly holder?: Holder
  /** The journal's actual end, or the place reached. */
  readonly position?: Position
  /** The code with which a database refused: `'42501'`. */
  readonly sqlstate?: string
  /** The database's detail, if it gave one. */
  readonly detail?: string
  /** The database's hint, if it gave one. */
  readonly hint?: string
  /**
   * Returns all of this and the message, for logs: `JSON.stringify` leaves out the message of an
   * error.
   */
  toJSON(): {
    name: string
    code: ErrorCode
    message: string
    operation?: string
    path?: string
    errno?: number
    holder?: Holder
    position?: Position
    sqlstate?: string
    detail?: string
    hint?: string
  }
}

// begin generated errors (spec/errors.toml, cargo xtask generate)
/** The lock was not free within the timeout. */
export class LockTimeoutError extends UntornError {}
/** The lock is held, and the call tries only once. */
export class LockedError extends UntornError {}
/** The caller already holds the lock that it would wait for. A caller is this event loop, or the function that makes the call. */
export class DeadlockError extends UntornError {}
/** The file system does not support locks. */
export class LockUnsupportedError extends UntornError {}
/** The file is not in the state that the caller expects. */
export class ConflictError extends UntornError {}
/** The file exists already. */
export class AlreadyExistsError extends UntornError {}
/** The file or its directory does not exist. */
export class NotFoundError extends UntornError {}
/** The value or the bytes can't be a record of this journal, or a document. */
export class InvalidRecordError extends UntornError {}
/** The file holds what untorn never writes. */
export class CorruptError extends UntornError {}
/** A limit is exceeded: the caller's, or a default one. */
export class LimitExceededError extends UntornError {}
/** The disk, the quota or the allowed file size is used up. */
export class StorageFullError extends UntornError {}
/** The system does not permit the operation. */
export class PermissionDeniedError extends UntornError {}
/** The change is in the file, but the sync that makes it durable failed. */
export class NotDurableError extends UntornError {}
/** An earlier sync on this handle failed: open the file again. */
export class PoisonedError extends UntornError {}
/** The caller cancelled the call. */
export class CancelledError extends UntornError {}
/** An argument has a value or a type that the call can't take. Nothing was changed. */
export class InvalidArgumentError extends UntornError {}
/** Another error of the operating system. */
export class IoError extends UntornError {}
/** A bug in untorn. */
export class InternalError extends UntornError {}
/** Another process claimed the session, or the lease was released. Nothing was changed. */
export class LeaseLostError extends ConflictError {}
/** This store has no such verb. Nothing was changed. */
export class UnsupportedError extends UntornError {}
// end generated errors
