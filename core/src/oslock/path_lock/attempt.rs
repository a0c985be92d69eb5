//! One attempt to take the lock. The file may have lost its name by then, or
//! something may be pending that is settled first: then it is taken again.

use std::io;
use std::sync::Arc;

use super::PathLock;
use super::held::Held;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Patience;
use crate::lockfile::IDLE;
use crate::oslock::backoff::Backoff;
use crate::oslock::gate::Gate;
use crate::oslock::turn::{Refused, ThreadKey};
use crate::recovery;
use crate::recovery::{Settled, transaction};
use crate::sys;

/// How often the lock file was not the name's any more.
#[derive(Default)]
pub(crate) struct Stale {
    /// By the server's word (NFS).
    told: u32,
    seen: u32,
}

impl Stale {
    /// Whether to open it anew after this error.
    #[cold]
    fn allows(&mut self, error: &io::Error) -> bool {
        self.told += 1;
        sys::is_stale(error) && self.told < 5
    }
}

impl PathLock {
    /// `None`: the lock is to be taken again.
    #[inline]
    pub(crate) fn acquire_on(
        &self,
        gate: Arc<Gate>,
        operation: &'static str,
        shared: bool,
        patience: &Patience<'_>,
        stale: &mut Stale,
    ) -> Result<Option<Held>> {
        match self.lock_on(gate, operation, shared, patience, stale)? {
            Some(held) if held.lock_size > IDLE || !held.gate.has_looked() => {
                self.look_closer(operation, held, patience)
            }
            held => Ok(held),
        }
    }

    /// `None`: the lock is to be taken again.
    #[inline]
    pub(crate) fn lock_on(
        &self,
        gate: Arc<Gate>,
        operation: &'static str,
        shared: bool,
        patience: &Patience<'_>,
        stale: &mut Stale,
    ) -> Result<Option<Held>> {
        let thread = patience.caller.unwrap_or_else(ThreadKey::current);
        match gate.acquire(shared, thread, patience) {
            Ok(()) => {}
            Err(Refused::System(error)) if stale.allows(&error) => {
                self.forget(&gate);
                return Ok(None);
            }
            Err(Refused::Busy) if patience.tries_once() && self.is_heir() => {
                let longer = PathLock::with_lookers(patience);
                let taken = self.acquire_on(gate, operation, shared, &longer, stale);
                return taken.map_err(|error| match error.kind() {
                    ErrorKind::LockTimeout => self.refusal(operation, Refused::Busy, patience),
                    _ => error,
                });
            }
            Err(why) => return Err(self.refusal(operation, why, patience)),
        }
        let mut held = Held {
            gate,
            thread,
            shared,
            lock_size: 0,
            mode: 0,
            redo: None,
        };
        let told = |error| Error::os(operation, &self.lock_path, error);
        let named = if let Some(in_place) = &self.in_place {
            let seen = in_place.look(&self.target, held.gate.id());
            if self.is_closed() {
                in_place.close();
            }
            seen.map_err(told)?.is_some_and(|(redo, size)| {
                held.redo = Some(redo);
                held.lock_size = size;
                true
            })
        } else {
            // Not whether the file has any name: it may have been renamed, be
            // in a directory that was moved away, or in a snapshot of links.
            match sys::look(self.record_path()) {
                Err(error) if stale.allows(&error) => {
                    self.forget(&held.gate);
                    return Ok(None);
                }
                seen => match seen.map_err(told)? {
                    Some(seen) if seen.id == held.gate.id() => {
                        held.lock_size = seen.size;
                        held.mode = seen.mode;
                        true
                    }
                    _ => false,
                },
            }
        };
        if !named {
            // Somebody else may have the lock on a new file of this name.
            let gate = Arc::clone(&held.gate);
            drop(held);
            self.leave(operation, &gate, stale, patience)?;
            return Ok(None);
        }
        Ok(Some(held))
    }

    /// The name means another file by now. To open that is a matter of a moment;
    /// where it happens again and again, the caller's patience counts.
    #[cold]
    fn leave(
        &self,
        operation: &'static str,
        gate: &Arc<Gate>,
        stale: &mut Stale,
        patience: &Patience<'_>,
    ) -> Result<()> {
        self.forget(gate);
        stale.seen += 1;
        if stale.seen < 5 {
            return Ok(());
        }
        let slept = if patience.tries_once() {
            Err(Refused::Busy)
        } else {
            Backoff::new(patience)
                .sleep(patience)
                .map_err(Refused::from)
        };
        slept.map_err(|why| self.refusal(operation, why, patience))
    }

    /// Something is pending, or it is locked here for the first time. `None`: the
    /// lock is to be taken again.
    #[cold]
    fn look_closer(
        &self,
        operation: &'static str,
        mut held: Held,
        patience: &Patience<'_>,
    ) -> Result<Option<Held>> {
        if !held.gate.has_looked() {
            // A transaction replaces its files: not for the other schemes.
            if self.in_place.is_none()
                && let Some(id) = transaction::look_for_manifest(&self.lock_path)?
            {
                drop(held);
                transaction::settle(&self.lock_path, id, patience)?;
                return Ok(None);
            }
            held.gate.looked();
        }
        if held.lock_size <= IDLE {
            return Ok(Some(held));
        }
        if held.shared {
            // To settle it takes the exclusive lock, and an upgrade is not
            // atomic (man 2 flock).
            if !recovery::is_due(held.lock_file())? {
                return Ok(Some(held));
            }
            drop(held);
            drop(self.acquire(operation, false, patience)?);
            return Ok(None);
        }
        match recovery::settle(held.lock_file(), &self.target)? {
            Settled::Done => {
                held.lock_size = held.lock_size.min(IDLE);
                Ok(Some(held))
            }
            Settled::Transaction(id) => {
                drop(held);
                transaction::settle(&self.lock_path, id, patience)?;
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
