//! The locks of files, and what their errors mean.

use std::io;

use super::Handle;

/// Does nothing: a lock here stops only lockers.
pub(in crate::sys) fn aside(_: &mut Handle) {}

#[cfg(not(untorn_interleaved))]
pub(in crate::sys) use super::file::flock::{lock, try_lock, unlock};
#[cfg(untorn_interleaved)]
pub(in crate::sys) use crate::sys::interleaved::{lock, try_lock, unlock};

/// Returns whether the error means that another process has the lock. A
/// byte-range lock may say so (man 2 fcntl), and NFS and SMB make one of an
/// flock.
pub(in crate::sys) fn is_held_elsewhere(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EACCES)
}

pub(in crate::sys) fn is_without_locks(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENOSYS | libc::EOPNOTSUPP | libc::EINVAL)
    )
}

pub(in crate::sys) fn is_bad_descriptor(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EBADF)
}

/// Returns whether the file system can't lock. File systems say it in many
/// ways: no such call, not for this file, no locks left, a descriptor that
/// can't be locked (NFS), or nonsense.
pub(in crate::sys) fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENOSYS | libc::EOPNOTSUPP | libc::ENOLCK | libc::EINVAL | libc::EBADF)
    )
}
