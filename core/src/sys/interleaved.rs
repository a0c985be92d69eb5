//! Models the locks of files for tests in which `shuttle` runs all threads on one. A
//! wait in the kernel would stop all of them.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;
use std::sync::PoisonError;

use shuttle::sync::{Condvar, Mutex, MutexGuard};

use super::file::{Access, File};
use super::fork::{self, PerProcess};
use super::unix::Handle;

/// Begins another world: what the library keeps of one execution is not used in
/// the next.
pub fn another_world() {
    fork::born();
}

/// A lock of a program without this library.
pub struct Foreign(File);

impl Foreign {
    /// Waits for the lock of this file, which must exist.
    ///
    /// # Errors
    /// The system's.
    pub fn lock(path: &Path, shared: bool) -> io::Result<Foreign> {
        let file = File::open_beside(path, Access::Read)?;
        file.lock(shared)?;
        Ok(Foreign(file))
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// The locks of flock: by file, which descriptors have it in which mode.
#[derive(Default)]
struct Locks {
    held: Mutex<HashMap<(u64, u64), HashMap<RawFd, bool>>>,
    changed: Condvar,
}

static LOCKS: PerProcess<Locks> = PerProcess::new();

fn locks() -> &'static Locks {
    LOCKS.get(Locks::default)
}

type RawGuard<'a> = MutexGuard<'a, HashMap<(u64, u64), HashMap<RawFd, bool>>>;

fn identity(fd: RawFd) -> io::Result<(u64, u64)> {
    // SAFETY: of an open descriptor; of another one it fails.
    let seen = unsafe {
        let mut seen = std::mem::zeroed::<libc::stat>();
        match libc::fstat(fd, &raw mut seen) {
            0 => seen,
            _ => return Err(io::Error::last_os_error()),
        }
    };
    Ok((seen.st_dev, seen.st_ino))
}

fn take(held: &mut RawGuard<'_>, file: &Handle, shared: bool) -> io::Result<bool> {
    let (fd, id) = (file.as_raw_fd(), identity(file.as_raw_fd())?);
    let holders = held.entry(id).or_default();
    // A lock goes with its descriptor.
    holders.retain(|other, _| identity(*other).is_ok_and(|other| other == id));
    let free = holders
        .iter()
        .all(|(other, mode)| *other == fd || (shared && *mode));
    if free {
        holders.insert(fd, shared);
    }
    Ok(free)
}

pub(super) fn try_lock(file: &Handle, shared: bool) -> io::Result<bool> {
    let mut held = locks().held.lock().unwrap_or_else(PoisonError::into_inner);
    take(&mut held, file, shared)
}

pub(super) fn lock(file: &Handle, shared: bool) -> io::Result<()> {
    let locks = locks();
    let mut held = locks.held.lock().unwrap_or_else(PoisonError::into_inner);
    while !take(&mut held, file, shared)? {
        held = locks
            .changed
            .wait(held)
            .unwrap_or_else(PoisonError::into_inner);
    }
    Ok(())
}

pub(super) fn unlock(file: &Handle) -> io::Result<()> {
    let id = identity(file.as_raw_fd())?;
    let mut held = locks().held.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(holders) = held.get_mut(&id) {
        holders.remove(&file.as_raw_fd());
    }
    locks().changed.notify_all();
    Ok(())
}
