//! flock through `fs4`, by trait path: std has inherent methods of the same
//! names that would shadow it.

use std::io;

use fs4::{FileExt, TryLockError};

use super::Handle;

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
