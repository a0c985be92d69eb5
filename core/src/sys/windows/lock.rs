//! LockFileEx on one byte.
//!
//! Not through `fs4`, which locks all of the file. A lock keeps others from
//! reading what it covers, and a lock file's content is read without the lock.
//! The first byte is the one that others lock too: std and `fs4` with the rest
//! of the file, Python's `filelock` and `msvcrt.locking` by itself. No reader
//! reads it: see `record.rs`.

use std::io;
use std::os::windows::io::AsRawHandle;
use std::sync::atomic::{AtomicU8, Ordering};

use windows_sys::Win32::Foundation::{
    ERROR_CALL_NOT_IMPLEMENTED, ERROR_INVALID_FUNCTION, ERROR_INVALID_HANDLE,
    ERROR_INVALID_PARAMETER, ERROR_LOCK_VIOLATION, ERROR_NOT_SUPPORTED,
};
use windows_sys::Win32::Storage::FileSystem::{
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
};
use windows_sys::Win32::System::IO::OVERLAPPED;

use super::Handle;
use super::patience::{checked, code};

/// The offset of a file's lock, and whether this handle has it.
///
/// Windows would make a handle that takes its lock once more wait for itself.
/// Here it is as with flock: the handle then has the lock in the mode that it
/// last asked for.
#[derive(Debug)]
pub(super) struct Place {
    at: u64,
    held: AtomicU8,
}

const FREE: u8 = 0;
const SHARED: u8 = 1;
const EXCLUSIVE: u8 = 2;
/// After the end of every possible file.
const FAR: u64 = i64::MAX as u64 - 1;

impl Place {
    pub fn first_byte() -> Place {
        Place {
            at: 0,
            held: AtomicU8::new(FREE),
        }
    }

    /// Returns a new structure for each call, as the system requires.
    fn overlapped(&self) -> OVERLAPPED {
        let mut place = OVERLAPPED::default();
        place.Anonymous.Anonymous.Offset = (self.at & u64::from(u32::MAX)) as u32;
        place.Anonymous.Anonymous.OffsetHigh = (self.at >> 32) as u32;
        place
    }
}

/// Moves this file's lock to a byte that no reader reads.
pub(in crate::sys) fn aside(handle: &mut Handle) {
    handle.lock.at = FAR;
}

pub(in crate::sys) fn try_lock(handle: &Handle, shared: bool) -> io::Result<bool> {
    match take(handle, shared, LOCKFILE_FAIL_IMMEDIATELY) {
        Ok(()) => Ok(true),
        Err(error) if code(&error) == ERROR_LOCK_VIOLATION => Ok(false),
        Err(error) => Err(error),
    }
}

pub(in crate::sys) fn lock(handle: &Handle, shared: bool) -> io::Result<()> {
    take(handle, shared, 0)
}

fn take(handle: &Handle, shared: bool, flags: u32) -> io::Result<()> {
    let (mode, flags) = if shared {
        (SHARED, flags)
    } else {
        (EXCLUSIVE, flags | LOCKFILE_EXCLUSIVE_LOCK)
    };
    let held = handle.lock.held.load(Ordering::Relaxed);
    if held == mode {
        return Ok(());
    }
    if held != FREE {
        unlock(handle)?;
    }
    let mut place = handle.lock.overlapped();
    // SAFETY: the handle is synchronous, so `place` is not used once the call
    // has returned.
    checked(unsafe { LockFileEx(handle.file.as_raw_handle(), flags, 0, 1, 0, &raw mut place) })?;
    handle.lock.held.store(mode, Ordering::Relaxed);
    Ok(())
}

/// Unlocks explicitly, with exactly the range of the lock. When a handle is
/// only closed, the system releases the lock at a time of its own.
pub(in crate::sys) fn unlock(handle: &Handle) -> io::Result<()> {
    let mut place = handle.lock.overlapped();
    // Before the call: the next may have it before this thread goes on.
    handle.lock.held.store(FREE, Ordering::Relaxed);
    // SAFETY: as in `take`.
    checked(unsafe { UnlockFileEx(handle.file.as_raw_handle(), 0, 1, 0, &raw mut place) })
}

/// Returns `false`: contention has an error of its own here.
pub(in crate::sys) fn is_held_elsewhere(_: &io::Error) -> bool {
    false
}

pub(in crate::sys) fn is_without_locks(error: &io::Error) -> bool {
    is_unsupported(error)
}

pub(in crate::sys) fn is_bad_descriptor(error: &io::Error) -> bool {
    code(error) == ERROR_INVALID_HANDLE
}

/// Returns whether the file system can't lock. File systems say it in several
/// ways: no such call, not for this file, or nonsense.
pub(in crate::sys) fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        code(error),
        ERROR_INVALID_FUNCTION
            | ERROR_NOT_SUPPORTED
            | ERROR_CALL_NOT_IMPLEMENTED
            | ERROR_INVALID_HANDLE
            | ERROR_INVALID_PARAMETER
    )
}
