//! LockFileEx on one byte.
//!
//! Not through `fs4`, which locks all of the file: a lock keeps others from
//! reading what it covers, and a lock file's content is read without the lock.
//! The first byte is what everybody else locks too: std and `fs4` with the rest
//! of the file, Python's `filelock` and `msvcrt.locking` by itself. Nobody reads
//! it: see `record.rs`.

use std::io;
use std::os::windows::io::AsRawHandle;

use windows_sys::Win32::Foundation::{
    ERROR_CALL_NOT_IMPLEMENTED, ERROR_INVALID_FUNCTION, ERROR_INVALID_HANDLE,
    ERROR_INVALID_PARAMETER, ERROR_LOCK_VIOLATION, ERROR_NOT_SUPPORTED,
};
use windows_sys::Win32::Storage::FileSystem::{
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
};
use windows_sys::Win32::System::IO::OVERLAPPED;

use super::Handle;
use super::file::checked;
use super::patience::code;

pub(super) const FIRST_BYTE: u64 = 0;
/// Behind the end of every file that there can be.
const FAR: u64 = i64::MAX as u64 - 1;

/// Whether a try succeeds where another thread waits for the same lock by the
/// same handle, and both then have it. Here each call is of its own, and a try
/// would wait for the other call to end.
pub(in crate::fs) const JOINS_WAITING: bool = false;

/// From now on this file's lock is on a byte that nobody reads.
pub(in crate::fs) fn aside(handle: &mut Handle) {
    handle.lock_at = FAR;
}

pub(in crate::fs) fn try_lock(handle: &Handle, shared: bool) -> io::Result<bool> {
    match take(handle, flags(shared) | LOCKFILE_FAIL_IMMEDIATELY) {
        Ok(()) => Ok(true),
        Err(error) if code(&error) == ERROR_LOCK_VIOLATION => Ok(false),
        Err(error) => Err(error),
    }
}

pub(in crate::fs) fn lock(handle: &Handle, shared: bool) -> io::Result<()> {
    take(handle, flags(shared))
}

fn flags(shared: bool) -> u32 {
    if shared { 0 } else { LOCKFILE_EXCLUSIVE_LOCK }
}

fn take(handle: &Handle, flags: u32) -> io::Result<()> {
    let mut place = place(handle);
    // SAFETY: the handle is synchronous, so `place` is not used once the call
    // has returned.
    checked(unsafe { LockFileEx(handle.file.as_raw_handle(), flags, 0, 1, 0, &raw mut place) })
}

/// Explicitly, with the very range of the lock: when a handle is only closed,
/// the system lets go when it comes to it.
pub(in crate::fs) fn unlock(handle: &Handle) -> io::Result<()> {
    let mut place = place(handle);
    // SAFETY: as in `take`.
    checked(unsafe { UnlockFileEx(handle.file.as_raw_handle(), 0, 1, 0, &raw mut place) })
}

/// Fresh for each call, as the system requires.
fn place(handle: &Handle) -> OVERLAPPED {
    let mut place = OVERLAPPED::default();
    place.Anonymous.Anonymous.Offset = (handle.lock_at & u64::from(u32::MAX)) as u32;
    place.Anonymous.Anonymous.OffsetHigh = (handle.lock_at >> 32) as u32;
    place
}

/// Contention has an error of its own here.
pub(in crate::fs) fn is_held_elsewhere(_: &io::Error) -> bool {
    false
}

pub(in crate::fs) fn is_bad_descriptor(error: &io::Error) -> bool {
    code(error) == ERROR_INVALID_HANDLE
}

/// File systems say it in several ways: no such call, not for this file, or
/// nonsense.
pub(in crate::fs) fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        code(error),
        ERROR_INVALID_FUNCTION
            | ERROR_NOT_SUPPORTED
            | ERROR_CALL_NOT_IMPLEMENTED
            | ERROR_INVALID_HANDLE
            | ERROR_INVALID_PARAMETER
    )
}
