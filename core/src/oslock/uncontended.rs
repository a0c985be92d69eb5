//! Takes a lock that is free, and releases it: the way of a call that waits for no other.
//!
//! An append takes the lock even shorter: by the process lock that its handle has cached,
//! and under a name that no thread has.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::caller::ThreadKey;
use super::held::{LockFile, RawGuard};
use super::path_lock::PathLock;
use super::process_lock::{Holders, ProcessLock, State, TRIED};
use super::wait_policy::WaitPolicy;
use super::waiter::AcquireError;
use crate::lockfile::{self, IDLE};
use crate::sync::{MutexGuard, PoisonError};
use crate::sys;

impl ProcessLock {
    /// Tries the exclusive lock once. Returns `false` for any reason. The
    /// caller must know whether the lock file is still open.
    #[inline]
    pub fn try_acquire(&self, thread: ThreadKey) -> bool {
        let mut state = self.state();
        let free = state.is_free()
            && self.file.has_its_number()
            && matches!(self.try_system(false), Ok(true));
        if free {
            state.holders = Holders::Exclusive(thread);
        }
        free
    }

    /// Forgets the exclusive lock without releasing it, since the number of the
    /// descriptor means another file now. The program may have locked that file.
    #[cold]
    pub fn abandon(self: &Arc<ProcessLock>) {
        let mut state = self.state();
        state.holders = Holders::Free;
        self.serve_head(&mut state);
    }

    /// Takes the lock for `thread`.
    #[inline]
    pub fn acquire(
        self: &Arc<ProcessLock>,
        operation: &'static str,
        shared: bool,
        thread: ThreadKey,
        wait: &WaitPolicy<'_>,
    ) -> Result<(), AcquireError> {
        let mut state = self.state();
        self.check_itself()?;
        if state.is_free()
            && !(shared && self.is_awaited())
            && self.try_system(shared).map_err(AcquireError::System)?
        {
            state.hold(shared, thread);
            return Ok(());
        }
        self.acquire_busy(state, operation, shared, thread, wait)
    }

    /// Releases the lock that `thread` took.
    #[inline]
    pub fn release(self: &Arc<ProcessLock>, thread: ThreadKey) {
        self.let_go(self.state(), thread);
    }

    #[inline]
    pub(super) fn let_go(
        self: &Arc<ProcessLock>,
        mut state: MutexGuard<'_, State>,
        thread: ThreadKey,
    ) {
        if let Holders::Shared(threads) = &mut state.holders {
            if let Some(place) = threads.iter().position(|other| *other == thread) {
                threads.swap_remove(place);
            } else {
                // It was released on another thread than it was taken on.
                threads.pop();
            }
            if !threads.is_empty() {
                return;
            }
        }
        if !state.queue.is_empty() && self.hand_over(&mut state) {
            return;
        }
        state.holders = Holders::Free;
        state.within = None;
        state.handovers = 0;
        if state.queue.is_empty() {
            return self.unlock();
        }
        self.show_who_waits(&mut state);
        self.unlock();
        self.serve_head(&mut state);
    }

    /// Tries once, whether or not others wait.
    #[inline]
    pub(super) fn try_system(&self, shared: bool) -> io::Result<bool> {
        match &self.pid_file {
            None => self.file.try_lock(shared),
            Some(pid_file) => pid_file.try_take(&self.file),
        }
    }

    /// Unlocks explicitly, not by closing. A descriptor that a child inherited
    /// would keep the lock.
    #[inline]
    pub(super) fn unlock(&self) {
        match self.by.load(Ordering::Relaxed) {
            TRIED => match &self.pid_file {
                None => drop(self.file.unlock()),
                Some(pid_file) => pid_file.let_go(&self.file),
            },
            by => {
                self.by.store(TRIED, Ordering::Relaxed);
                self.unlock_waiting(by == 1);
            }
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns whether no thread of this process has the lock or waits for it.
    #[inline]
    pub fn is_free(&self) -> bool {
        matches!(self.holders, Holders::Free) && self.queue.is_empty()
    }

    pub fn hold(&mut self, shared: bool, thread: ThreadKey) {
        if !shared {
            self.holders = Holders::Exclusive(thread);
        } else if let Holders::Shared(threads) = &mut self.holders {
            threads.push(thread);
        } else {
            self.holders = Holders::Shared(vec![thread]);
        }
    }
}

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

    /// Does the same for a change with a recovery record, which accepts what such a
    /// change leaves: zeros in place of the record's first bytes. To cut the file
    /// costs more than all the rest of a stamp.
    pub fn try_to_record(&self, lock: &PathLock, is_recent: bool) -> Option<FastGuard<'_>> {
        let process_lock = self.0.as_ref()?;
        self.try_if(lock, is_recent, |size| {
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
            .filter(|process_lock| process_lock.file.is_ours())?;
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
        // After zeros nothing is pending.
        held.size = seen.size.min(IDLE);
        (seen.id == process_lock.id && settled(seen.size)).then_some(held)
    }
}

/// A lock that is held for one append, under which only the library's own code runs.
/// Dropping it releases the lock.
pub(crate) struct FastGuard<'a> {
    process_lock: &'a Arc<ProcessLock>,
    /// The size of the lock file, without a record that is void.
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
