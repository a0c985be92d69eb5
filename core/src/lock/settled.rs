//! Takes the lock of one path, and first settles the unfinished work of its
//! last holder.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::oslock::{AcquireError, PathLock, ProcessLock, RawGuard, Stale, ThreadKey, WaitPolicy};
use crate::recovery::{self, Recovered, handover, transaction};

impl PathLock {
    /// Takes the lock, and settles the unfinished work of its last holder.
    #[inline]
    pub fn acquire(
        &self,
        operation: &'static str,
        shared: bool,
        wait: &WaitPolicy<'_>,
    ) -> Result<RawGuard> {
        if wait.is_cancelled() {
            return Err(Error::cancelled(operation, self.target()));
        }
        let mut stale = Stale::default();
        loop {
            let process_lock = self.process_lock(operation, wait)?;
            if let Some(held) =
                self.acquire_on(process_lock, operation, shared, wait, &mut stale)?
            {
                return Ok(held);
            }
        }
    }

    /// Does the same for a call that has nothing to do without a file. If the
    /// lock is on the file itself, no file is made only to be locked.
    pub fn acquire_if_there(
        &self,
        operation: &'static str,
        shared: bool,
        wait: &WaitPolicy<'_>,
    ) -> Result<Option<RawGuard>> {
        if self.is_homeless(operation)? {
            return Ok(None);
        }
        if wait.is_cancelled() {
            return Err(Error::cancelled(operation, self.target()));
        }
        let mut stale = Stale::default();
        loop {
            let Some(process_lock) = self.process_lock_if_there(operation, wait)? else {
                return Ok(None);
            };
            if let Some(held) =
                self.acquire_on(process_lock, operation, shared, wait, &mut stale)?
            {
                return Ok(Some(held));
            }
        }
    }

    /// Tries the exclusive lock once. Returns `None` if others have it.
    pub fn try_settled(
        &self,
        operation: &'static str,
        wait: &WaitPolicy<'_>,
    ) -> Result<Option<RawGuard>> {
        match self.acquire(operation, false, &WaitPolicy::once(wait.caller)) {
            Ok(held) => Ok(Some(held)),
            Err(error) if error.kind() == ErrorKind::Locked => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the error of a call that does not wait for the lock, which is held.
    #[cold]
    pub fn is_busy(&self, operation: &'static str) -> Error {
        let once = WaitPolicy::once(None);
        handover::name_heir(self, self.refusal(operation, AcquireError::Busy, &once))
    }

    /// Fails with `DEADLOCK` if the caller's own thread holds the lock. This is
    /// for a call that waits until another thread takes it.
    pub fn forbid_own(&self, operation: &'static str, wait: &WaitPolicy<'_>) -> Result<()> {
        let own = wait.caller.is_none()
            && self
                .process_lock(operation, wait)?
                .is_held_by(ThreadKey::current());
        if own {
            let why = if wait.tries_once() {
                AcquireError::Busy
            } else {
                AcquireError::Deadlock(None)
            };
            return Err(handover::name_heir(
                self,
                self.refusal(operation, why, wait),
            ));
        }
        Ok(())
    }

    /// Returns `None` if the lock must be taken again.
    #[inline]
    fn acquire_on(
        &self,
        process_lock: Arc<ProcessLock>,
        operation: &'static str,
        shared: bool,
        wait: &WaitPolicy<'_>,
        stale: &mut Stale,
    ) -> Result<Option<RawGuard>> {
        let held = match self.lock_on(process_lock, operation, shared, wait, stale) {
            Err(error) if handover::is_for_us(self, &error, wait) => {
                return self.acquire_as_heir(operation, shared, wait, stale);
            }
            tried => tried.map_err(|error| handover::name_heir(self, error))?,
        };
        match held {
            Some(held) if held.has_pending() || !held.process_lock.has_looked() => {
                self.look_closer(operation, held, wait)
            }
            held => Ok(held),
        }
    }

    /// Tries once, for a process that the lock is reserved for.
    #[cold]
    fn acquire_as_heir(
        &self,
        operation: &'static str,
        shared: bool,
        wait: &WaitPolicy<'_>,
        stale: &mut Stale,
    ) -> Result<Option<RawGuard>> {
        let longer = handover::with_lookers(wait);
        let process_lock = self.process_lock(operation, &longer)?;
        let taken = self.acquire_on(process_lock, operation, shared, &longer, stale);
        taken.map_err(|error| handover::as_one_try(self, operation, error, wait))
    }

    /// Looks for pending work, also with the first lock in this process.
    /// Returns `None` if the lock must be taken again.
    #[cold]
    fn look_closer(
        &self,
        operation: &'static str,
        mut held: RawGuard,
        wait: &WaitPolicy<'_>,
    ) -> Result<Option<RawGuard>> {
        if !held.process_lock.has_looked() {
            // A transaction replaces its files, so the other schemes can't take
            // part.
            if !self.is_in_place()
                && let Some(id) = transaction::look_for_manifest(self.lock_path())?
            {
                drop(held);
                transaction::settle(self.lock_path(), id, wait)?;
                return Ok(None);
            }
            held.process_lock.looked();
        }
        if !held.has_pending() {
            return Ok(Some(held));
        }
        if held.shared {
            // Settling takes the exclusive lock, and an upgrade is not atomic
            // (man 2 flock).
            if !recovery::is_due(held.lock_file())? {
                return Ok(Some(held));
            }
            drop(held);
            drop(self.acquire(operation, false, wait)?);
            return Ok(None);
        }
        match recovery::settle(held.lock_file(), self.target())? {
            Recovered::Done => {
                held.settled();
                Ok(Some(held))
            }
            Recovered::Transaction(id) => {
                drop(held);
                transaction::settle(self.lock_path(), id, wait)?;
                Ok(None)
            }
            Recovered::Reserved(successor) => {
                drop(held);
                self.await_heir(operation, &successor, wait)?;
                Ok(None)
            }
        }
    }
}
