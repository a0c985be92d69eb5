//! The process lock that is kept for a next time, and the lock of one append.

use std::sync::Arc;

use super::caller::ThreadKey;
use super::held::{LockFile, RawGuard};
use super::path_lock::PathLock;
use super::process_lock::ProcessLock;
use crate::lockfile::{self, IDLE};
use crate::sys;

/// The process lock of a lock file that was locked before, kept for a next time.
#[derive(Default)]
pub(crate) struct CachedLock(Option<Arc<ProcessLock>>);

impl CachedLock {
    /// Keeps the lock file of this lock. A lock on the data itself is taken
    /// again each time, since its file is known by its name.
    pub fn keep(&mut self, held: &RawGuard) {
        if held.is_in_place() {
            return;
        }
        let same = self
            .0
            .as_ref()
            .is_some_and(|process_lock| Arc::ptr_eq(process_lock, &held.process_lock));
        if !same {
            self.0 = Some(Arc::clone(&held.process_lock));
        }
    }

    /// Takes the lock if one try suffices and its file is in order. After
    /// `None`, the caller asks `PathLock::acquire`, which finds out why. A lone
    /// append uses this. It touches no count that other threads share, and
    /// looks nothing up.
    #[inline]
    pub fn try_again(&self, lock: &PathLock, is_recent: bool) -> Option<FastGuard<'_>> {
        self.try_if(lock, is_recent, |size| size <= IDLE)
    }

    /// Does the same for a header stamp, which accepts what a stamp leaves:
    /// zeros in place of the record's first bytes. To cut the file costs more
    /// than all the rest of a stamp.
    pub fn try_to_stamp(&self, lock: &PathLock) -> Option<FastGuard<'_>> {
        let process_lock = self.0.as_ref()?;
        self.try_if(lock, false, |size| {
            size <= IDLE || lockfile::is_cleared(process_lock.file()).unwrap_or(false)
        })
    }

    #[inline]
    fn try_if(
        &self,
        lock: &PathLock,
        is_recent: bool,
        settled: impl FnOnce(u64) -> bool,
    ) -> Option<FastGuard<'_>> {
        let process_lock = self
            .0
            .as_ref()
            .filter(|process_lock| process_lock.is_ours())?;
        if !process_lock.try_acquire(ThreadKey::NONE) {
            return None;
        }
        let mut held = FastGuard {
            process_lock,
            size: 0,
        };
        let seen = if is_recent && process_lock.pid_file.is_none() {
            let seen = process_lock.file.look();
            if matches!(seen, Ok(None)) {
                std::mem::forget(held);
                process_lock.abandon();
                return None;
            }
            // Of several names, the lock's may be gone.
            seen.ok()?.filter(|seen| seen.links == 1)?
        } else {
            // By the name that this handle knows: other handles may share the process
            // lock.
            sys::look(&lock.record_path).ok()??
        };
        held.size = seen.size;
        (seen.id == process_lock.id() && settled(seen.size)).then_some(held)
    }
}

/// A lock that is held for one append, under which only the library's own code runs.
/// Dropping it releases the lock.
pub(crate) struct FastGuard<'a> {
    process_lock: &'a Arc<ProcessLock>,
    /// The size of the lock file.
    pub(crate) size: u64,
}

impl FastGuard<'_> {
    #[inline]
    pub fn lock_file(&self) -> LockFile<'_> {
        LockFile {
            process_lock: self.process_lock,
            redo: None,
        }
    }
}

impl Drop for FastGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.process_lock.release(ThreadKey::NONE);
    }
}
