//! Takes the lock of one path, and first settles the unfinished work of its
//! last holder.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::oslock::{Gate, Held, PathLock, Patience, Refused, Stale, ThreadKey};
use crate::recovery::{self, Settled, handover, transaction};

impl PathLock {
    /// Takes the lock, and settles the unfinished work of its last holder.
    #[inline]
    pub fn acquire(
        &self,
        operation: &'static str,
        shared: bool,
        patience: &Patience<'_>,
    ) -> Result<Held> {
        if patience.is_cancelled() {
            return Err(Error::cancelled(operation, self.target()));
        }
        let mut stale = Stale::default();
        loop {
            let gate = self.gate(operation, patience)?;
            if let Some(held) = self.acquire_on(gate, operation, shared, patience, &mut stale)? {
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
        patience: &Patience<'_>,
    ) -> Result<Option<Held>> {
        if self.is_homeless(operation)? {
            return Ok(None);
        }
        if patience.is_cancelled() {
            return Err(Error::cancelled(operation, self.target()));
        }
        let mut stale = Stale::default();
        loop {
            let Some(gate) = self.gate_if_there(operation, patience)? else {
                return Ok(None);
            };
            if let Some(held) = self.acquire_on(gate, operation, shared, patience, &mut stale)? {
                return Ok(Some(held));
            }
        }
    }

    /// Tries the exclusive lock once. Returns `None` if others have it.
    pub fn try_settled(
        &self,
        operation: &'static str,
        patience: &Patience<'_>,
    ) -> Result<Option<Held>> {
        match self.acquire(operation, false, &Patience::once(patience.caller)) {
            Ok(held) => Ok(Some(held)),
            Err(error) if error.kind() == ErrorKind::Locked => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Fails with `DEADLOCK` if the caller's own thread holds the lock. This is
    /// for a call that waits until another thread takes it.
    pub fn forbid_own(&self, operation: &'static str, patience: &Patience<'_>) -> Result<()> {
        let own = patience.caller.is_none()
            && self
                .gate(operation, patience)?
                .is_held_by(ThreadKey::current());
        if own {
            let why = if patience.tries_once() {
                Refused::Busy
            } else {
                Refused::Deadlock
            };
            return Err(handover::name_heir(
                self,
                self.refusal(operation, why, patience),
            ));
        }
        Ok(())
    }

    /// Returns `None` if the lock must be taken again.
    #[inline]
    fn acquire_on(
        &self,
        gate: Arc<Gate>,
        operation: &'static str,
        shared: bool,
        patience: &Patience<'_>,
        stale: &mut Stale,
    ) -> Result<Option<Held>> {
        let held = match self.lock_on(gate, operation, shared, patience, stale) {
            Err(error) if handover::is_for_us(self, &error, patience) => {
                return self.acquire_as_heir(operation, shared, patience, stale);
            }
            tried => tried.map_err(|error| handover::name_heir(self, error))?,
        };
        match held {
            Some(held) if held.has_pending() || !held.gate.has_looked() => {
                self.look_closer(operation, held, patience)
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
        patience: &Patience<'_>,
        stale: &mut Stale,
    ) -> Result<Option<Held>> {
        let longer = handover::with_lookers(patience);
        let gate = self.gate(operation, &longer)?;
        let taken = self.acquire_on(gate, operation, shared, &longer, stale);
        taken.map_err(|error| handover::as_one_try(self, operation, error, patience))
    }

    /// Looks for pending work, also with the first lock in this process.
    /// Returns `None` if the lock must be taken again.
    #[cold]
    fn look_closer(
        &self,
        operation: &'static str,
        mut held: Held,
        patience: &Patience<'_>,
    ) -> Result<Option<Held>> {
        if !held.gate.has_looked() {
            // A transaction replaces its files, so the other schemes can't take
            // part.
            if !self.is_in_place()
                && let Some(id) = transaction::look_for_manifest(self.lock_path())?
            {
                drop(held);
                transaction::settle(self.lock_path(), id, patience)?;
                return Ok(None);
            }
            held.gate.looked();
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
            drop(self.acquire(operation, false, patience)?);
            return Ok(None);
        }
        match recovery::settle(held.lock_file(), self.target())? {
            Settled::Done => {
                held.settled();
                Ok(Some(held))
            }
            Settled::Transaction(id) => {
                drop(held);
                transaction::settle(self.lock_path(), id, patience)?;
                Ok(None)
            }
            Settled::Reserved(heir) => {
                drop(held);
                self.await_heir(operation, &heir, patience)?;
                Ok(None)
            }
        }
    }
}
