//! One attempt to take the lock. If the file has lost its name meanwhile, the
//! lock must be taken again.

use std::io;
use std::sync::Arc;

use super::backoff::Backoff;
use super::caller::ThreadKey;
use super::gate::Gate;
use super::held::Held;
use super::path_lock::PathLock;
use super::patience::Patience;
use super::waiter::Refused;
use crate::error::{Error, Result};
use crate::sys;

/// Counts how often the lock file no longer had its name.
#[derive(Default)]
pub(crate) struct Stale {
    /// How often the server reported it (NFS).
    told: u32,
    seen: u32,
}

impl Stale {
    /// Returns whether to open the file again after this error.
    #[cold]
    fn allows(&mut self, error: &io::Error) -> bool {
        self.told += 1;
        sys::is_stale(error) && self.told < 5
    }
}

impl PathLock {
    /// Takes the lock and leaves what is pending as it is, for a caller that
    /// settles it.
    pub(crate) fn acquire_unsettled(
        &self,
        operation: &'static str,
        patience: &Patience<'_>,
    ) -> Result<Held> {
        let mut stale = Stale::default();
        loop {
            let gate = self.gate(operation, patience)?;
            if let Some(held) = self.lock_on(gate, operation, false, patience, &mut stale)? {
                return Ok(held);
            }
        }
    }

    /// Returns `None` if the lock must be taken again.
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
            // The check is not whether the file has any name. It may have been
            // renamed, its directory may have moved, or a snapshot may hold
            // links to it.
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
            // Another process may have the lock on a new file of this name.
            let gate = Arc::clone(&held.gate);
            drop(held);
            self.leave(operation, &gate, stale, patience)?;
            return Ok(None);
        }
        Ok(Some(held))
    }

    /// Leaves the file, since the name means another one now. To open that one
    /// takes a moment. If it happens repeatedly, the caller's patience counts.
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

    /// Returns whether the file of this lock still has its name.
    pub fn names(&self, operation: &'static str, held: &Held) -> Result<bool> {
        // In place, the name of the lock file is the data's.
        let name = match self.in_place {
            Some(_) => &self.target,
            None => self.record_path(),
        };
        let seen = sys::look(name).map_err(|error| Error::os(operation, name, error))?;
        Ok(seen.is_some_and(|seen| seen.id == held.gate.id())
            && held
                .gate
                .is_itself()
                .map_err(|error| Error::os(operation, name, error))?)
    }

    /// Returns whether the caller would wait for itself here.
    pub(crate) fn is_held_by_caller(
        &self,
        operation: &'static str,
        patience: &Patience<'_>,
    ) -> Result<bool> {
        let thread = patience.caller.unwrap_or_else(ThreadKey::current);
        Ok(self.gate(operation, patience)?.is_held_by(thread))
    }
}
