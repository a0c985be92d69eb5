//! flock through `fs4`, by trait path: std has inherent methods of the same
//! names that would shadow it.

use std::io;

use fs4::{FileExt, TryLockError};

use super::Handle;

/// Does nothing: a lock here stops only lockers.
pub(in crate::sys) fn aside(_: &mut Handle) {}

#[inline]
pub(in crate::sys) fn try_lock(file: &Handle, shared: bool) -> io::Result<bool> {
    let tried = if shared {
        <Handle as FileExt>::try_lock_shared(file)
    } else {
        <Handle as FileExt>::try_lock(file)
    };
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

pub(in crate::sys) fn lock(file: &Handle, shared: bool) -> io::Result<()> {
    if shared {
        <Handle as FileExt>::lock_shared(file)
    } else {
        <Handle as FileExt>::lock(file)
    }
}

#[inline]
pub(in crate::sys) fn unlock(file: &Handle) -> io::Result<()> {
    <Handle as FileExt>::unlock(file)
}

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
