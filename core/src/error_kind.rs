// Generated from spec/errors.toml by `cargo xtask generate`. Do not edit.
//! The kinds of errors.

use std::fmt;
use std::io;

/// The kind of an error. Every language has the same list.
///
/// ```
/// use std::time::Duration;
/// use untorn::{ErrorKind, FileLock};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("state");
/// # let held = FileLock::acquire(&path)?;
/// # std::thread::scope(|threads| threads.spawn(|| {
/// let lock = FileLock::options().timeout(Some(Duration::ZERO));
/// match lock.acquire(&path) {
///     Err(error) if error.kind() == ErrorKind::Locked => eprintln!("{error}"),
///     other => drop(other?),
/// }
/// # Ok::<(), untorn::Error>(())
/// # }).join().unwrap())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The lock was not free within the timeout.
    LockTimeout,
    /// The lock is held, and the call tries only once.
    Locked,
    /// The caller already holds the lock that it would wait for. A caller is a
    /// thread.
    Deadlock,
    /// The file system does not support locks.
    LockUnsupported,
    /// The file is not in the state that the caller expects.
    Conflict,
    /// The file exists already.
    AlreadyExists,
    /// The file or its directory does not exist.
    NotFound,
    /// The value or the bytes can't be a record of this journal, or a document.
    InvalidRecord,
    /// The file holds what untorn never writes.
    Corrupt,
    /// A limit is exceeded: the caller's, or a default one.
    LimitExceeded,
    /// The disk, the quota or the allowed file size is used up.
    StorageFull,
    /// The system does not permit the operation.
    PermissionDenied,
    /// The change is in the file, but the sync that makes it durable failed.
    NotDurable,
    /// An earlier sync on this handle failed: open the file again.
    Poisoned,
    /// The caller cancelled the call.
    Cancelled,
    /// An argument has a value or a type that the call can't take. Nothing was
    /// changed.
    InvalidArgument,
    /// Another error of the operating system.
    Io,
    /// A bug in untorn.
    Internal,
    /// Another process claimed the session, or the lease was released. Nothing was
    /// changed.
    LeaseLost,
    /// This store has no such verb. Nothing was changed.
    Unsupported,
}

impl ErrorKind {
    /// Every kind, in the order of their numbers in C.
    pub const ALL: &'static [ErrorKind] = &[
        ErrorKind::LockTimeout,
        ErrorKind::Locked,
        ErrorKind::Deadlock,
        ErrorKind::LockUnsupported,
        ErrorKind::Conflict,
        ErrorKind::AlreadyExists,
        ErrorKind::NotFound,
        ErrorKind::InvalidRecord,
        ErrorKind::Corrupt,
        ErrorKind::LimitExceeded,
        ErrorKind::StorageFull,
        ErrorKind::PermissionDenied,
        ErrorKind::NotDurable,
        ErrorKind::Poisoned,
        ErrorKind::Cancelled,
        ErrorKind::InvalidArgument,
        ErrorKind::Io,
        ErrorKind::Internal,
        ErrorKind::LeaseLost,
        ErrorKind::Unsupported,
    ];

    /// Returns the code that every language builds its own from: `"LOCK_TIMEOUT"`.
    pub fn code(self) -> &'static str {
        match self {
            ErrorKind::LockTimeout => "LOCK_TIMEOUT",
            ErrorKind::Locked => "LOCKED",
            ErrorKind::Deadlock => "DEADLOCK",
            ErrorKind::LockUnsupported => "LOCK_UNSUPPORTED",
            ErrorKind::Conflict => "CONFLICT",
            ErrorKind::AlreadyExists => "ALREADY_EXISTS",
            ErrorKind::NotFound => "NOT_FOUND",
            ErrorKind::InvalidRecord => "INVALID_RECORD",
            ErrorKind::Corrupt => "CORRUPT",
            ErrorKind::LimitExceeded => "LIMIT_EXCEEDED",
            ErrorKind::StorageFull => "STORAGE_FULL",
            ErrorKind::PermissionDenied => "PERMISSION_DENIED",
            ErrorKind::NotDurable => "NOT_DURABLE",
            ErrorKind::Poisoned => "POISONED",
            ErrorKind::Cancelled => "CANCELLED",
            ErrorKind::InvalidArgument => "INVALID_ARGUMENT",
            ErrorKind::Io => "IO",
            ErrorKind::Internal => "INTERNAL",
            ErrorKind::LeaseLost => "LEASE_LOST",
            ErrorKind::Unsupported => "UNSUPPORTED",
        }
    }

    /// Returns the kind of an error of the operating system.
    pub(crate) fn of(error: &io::Error) -> ErrorKind {
        match error.kind() {
            io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => ErrorKind::StorageFull,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                ErrorKind::PermissionDenied
            }
            io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory => ErrorKind::InvalidArgument,
            _ => ErrorKind::Io,
        }
    }

    /// Returns the kind that std has for it.
    pub(crate) fn io(self) -> io::ErrorKind {
        match self {
            ErrorKind::LockTimeout => io::ErrorKind::TimedOut,
            ErrorKind::Locked => io::ErrorKind::WouldBlock,
            ErrorKind::Deadlock => io::ErrorKind::Deadlock,
            ErrorKind::LockUnsupported => io::ErrorKind::Unsupported,
            ErrorKind::AlreadyExists => io::ErrorKind::AlreadyExists,
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::InvalidRecord => io::ErrorKind::InvalidData,
            ErrorKind::Corrupt => io::ErrorKind::InvalidData,
            ErrorKind::StorageFull => io::ErrorKind::StorageFull,
            ErrorKind::PermissionDenied => io::ErrorKind::PermissionDenied,
            ErrorKind::InvalidArgument => io::ErrorKind::InvalidInput,
            ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::Other,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
