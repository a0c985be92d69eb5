// Generated from spec/errors.toml by `cargo xtask generate`. Do not edit.
//! The codes of errors.

use std::ffi::CStr;

use untorn::ErrorKind;

use crate::code::Code;

/// It succeeded.
pub const UNTORN_OK: Code = 0;
/// The lock was not free within the timeout. The error names the holder if it
/// is known.
pub const UNTORN_LOCK_TIMEOUT: Code = 1;
/// The lock is held, and the call tries only once.
pub const UNTORN_LOCKED: Code = 2;
/// The caller already holds the lock that it would wait for. A caller is a
/// thread.
pub const UNTORN_DEADLOCK: Code = 3;
/// The file system does not support locks.
pub const UNTORN_LOCK_UNSUPPORTED: Code = 4;
/// The file is not in the state that the caller expects.
pub const UNTORN_CONFLICT: Code = 5;
/// The file exists already.
pub const UNTORN_ALREADY_EXISTS: Code = 6;
/// The file or its directory does not exist.
pub const UNTORN_NOT_FOUND: Code = 7;
/// The value or the bytes can't be a record of this journal, or a document.
pub const UNTORN_INVALID_RECORD: Code = 8;
/// The file holds what untorn never writes.
pub const UNTORN_CORRUPT: Code = 9;
/// A limit is exceeded: the caller's, or a default one.
pub const UNTORN_LIMIT_EXCEEDED: Code = 10;
/// The disk, the quota or the allowed file size is used up.
pub const UNTORN_STORAGE_FULL: Code = 11;
/// The system does not permit the operation.
pub const UNTORN_PERMISSION_DENIED: Code = 12;
/// The change is in the file, but the sync that makes it durable failed.
pub const UNTORN_NOT_DURABLE: Code = 13;
/// An earlier sync on this handle failed: open the file again.
pub const UNTORN_POISONED: Code = 14;
/// The caller cancelled the call. See untorn_cancel.
pub const UNTORN_CANCELLED: Code = 15;
/// An argument has a value or a type that the call can't take. Nothing was
/// changed. A NULL pointer is one.
pub const UNTORN_INVALID_ARGUMENT: Code = 16;
/// Another error of the operating system. untorn_error_os_code() returns its
/// number.
pub const UNTORN_IO: Code = 17;
/// A bug in untorn.
pub const UNTORN_INTERNAL: Code = 18;
/// Another process claimed the session, or the lease was released. Nothing was
/// changed.
pub const UNTORN_LEASE_LOST: Code = 19;
/// This store has no such verb. Nothing was changed.
pub const UNTORN_UNSUPPORTED: Code = 20;

/// Returns the code of an error.
pub(crate) fn of(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::LockTimeout => UNTORN_LOCK_TIMEOUT,
        ErrorKind::Locked => UNTORN_LOCKED,
        ErrorKind::Deadlock => UNTORN_DEADLOCK,
        ErrorKind::LockUnsupported => UNTORN_LOCK_UNSUPPORTED,
        ErrorKind::Conflict => UNTORN_CONFLICT,
        ErrorKind::AlreadyExists => UNTORN_ALREADY_EXISTS,
        ErrorKind::NotFound => UNTORN_NOT_FOUND,
        ErrorKind::InvalidRecord => UNTORN_INVALID_RECORD,
        ErrorKind::Corrupt => UNTORN_CORRUPT,
        ErrorKind::LimitExceeded => UNTORN_LIMIT_EXCEEDED,
        ErrorKind::StorageFull => UNTORN_STORAGE_FULL,
        ErrorKind::PermissionDenied => UNTORN_PERMISSION_DENIED,
        ErrorKind::NotDurable => UNTORN_NOT_DURABLE,
        ErrorKind::Poisoned => UNTORN_POISONED,
        ErrorKind::Cancelled => UNTORN_CANCELLED,
        ErrorKind::InvalidArgument => UNTORN_INVALID_ARGUMENT,
        ErrorKind::Io => UNTORN_IO,
        ErrorKind::LeaseLost => UNTORN_LEASE_LOST,
        ErrorKind::Unsupported => UNTORN_UNSUPPORTED,

        // The list is open to the compiler only; a test closes it.
        _ => UNTORN_INTERNAL,
    }
}

/// The names of the codes, by their numbers.
pub(crate) const NAMES: [&CStr; 21] = [
    c"UNTORN_OK",
    c"UNTORN_LOCK_TIMEOUT",
    c"UNTORN_LOCKED",
    c"UNTORN_DEADLOCK",
    c"UNTORN_LOCK_UNSUPPORTED",
    c"UNTORN_CONFLICT",
    c"UNTORN_ALREADY_EXISTS",
    c"UNTORN_NOT_FOUND",
    c"UNTORN_INVALID_RECORD",
    c"UNTORN_CORRUPT",
    c"UNTORN_LIMIT_EXCEEDED",
    c"UNTORN_STORAGE_FULL",
    c"UNTORN_PERMISSION_DENIED",
    c"UNTORN_NOT_DURABLE",
    c"UNTORN_POISONED",
    c"UNTORN_CANCELLED",
    c"UNTORN_INVALID_ARGUMENT",
    c"UNTORN_IO",
    c"UNTORN_INTERNAL",
    c"UNTORN_LEASE_LOST",
    c"UNTORN_UNSUPPORTED",
];
