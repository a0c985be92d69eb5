//! One attempt to take the lock. If the file has lost its name meanwhile, the
//! lock must be taken again.

use std::io;
use std::sync::Arc;

use super::backoff::Backoff;
use super::caller::ThreadKey;
use super::held::RawGuard;
use super::path_lock::PathLock;
use super::process_lock::ProcessLock;
use super::wait_policy::WaitPolicy;
use super::waiter::AcquireError;
use crate::error::{Error, Result};
use crate::sys::{self, Stat};

/// Counts how often the lock file no longer had its name.
#[derive(Default)]
pub(crate) struct Stale {
    /// How often the server reported it (NFS).
    os_error: u32,
    seen: u32,
}

impl Stale {
    /// Returns whether to open the file again after this error.
    #[cold]
    fn allows(&mut self, error: &io::Error) -> bool {
        self.os_error += 1;
        sys::is_stale(error) && self.os_error < 5
    }
}

impl PathLock {
    /// Takes the lock and leaves what is pending as it is, for a caller that
    /// settles it.
    pub(crate) fn acquire_unsettled(
        &self,
        operation: &'static str,
        wait: &WaitPolicy<'_>,
    ) -> Result<RawGuard> {
        let mut stale = Stale::default();
        loop {
            let process_lock = self.process_lock(operation, wait)?;
            if let Some(held) = self.lock_on(process_lock, operation, false, wait, &mut stale)? {
                return Ok(held);
            }
        }
    }

    /// Returns `None` if the lock must be taken again.
    #[inline]
    pub(crate) fn lock_on(
        &self,
        process_lock: Arc<ProcessLock>,
        operation: &'static str,
        shared: bool,
        wait: &WaitPolicy<'_>,
        stale: &mut Stale,
    ) -> Result<Option<RawGuard>> {
        let thread = wait.caller.unwrap_or_else(ThreadKey::current);
        match process_lock.acquire(operation, shared, thread, wait) {
            Ok(()) => {}
            Err(AcquireError::System(error)) if stale.allows(&error) => {
                self.forget(&process_lock);
                return Ok(None);
            }
            Err(why) => return Err(self.refusal(operation, why, wait)),
        }
        let mut held = RawGuard {
            process_lock,
            thread,
            shared,
            lock_size: 0,
            mode: 0,
            redo: None,
        };
        let os_error = |error| Error::os(operation, &self.lock_path, error);
        let named = if let Some(in_place) = &self.in_place {
            let seen = in_place.look(&self.target, held.process_lock.id);
            if self.is_closed() {
                in_place.close();
            }
            seen.map_err(os_error)?.is_some_and(|(redo, size)| {
                held.redo = Some(redo);
                held.lock_size = size;
                true
            })
        } else {
            // The check is not whether the file has any name. It may have been
            // renamed, its directory may have moved, or a snapshot may hold
            // links to it.
            match self.look(&held.process_lock, wait) {
                Err(error) if stale.allows(&error) => {
                    self.forget(&held.process_lock);
                    return Ok(None);
                }
                seen => match seen.map_err(os_error)? {
                    Some(seen) if seen.id == held.process_lock.id => {
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
            let process_lock = Arc::clone(&held.process_lock);
            drop(held);
            self.leave(operation, &process_lock, stale, wait)?;
            return Ok(None);
        }
        Ok(Some(held))
    }

    /// Looks at the lock file's name. If that was done a moment ago, looks at the open
    /// file: it shows whether the name is gone, but not whether it was renamed.
    #[inline]
    fn look(&self, process_lock: &ProcessLock, wait: &WaitPolicy<'_>) -> io::Result<Option<Stat>> {
        if wait.names.is_some_and(|names| names.is_at(sys::tick()))
            && process_lock.pid_file.is_none()
            && let Ok(Some(seen)) = process_lock.file.look()
            && seen.links == 1
        {
            return Ok(Some(seen));
        }
        sys::look(self.record_path())
    }

    /// Leaves the file, since the name means another one now. To open that one
    /// takes a moment. If it happens repeatedly, the caller's wait policy counts.
    #[cold]
    fn leave(
        &self,
        operation: &'static str,
        process_lock: &Arc<ProcessLock>,
        stale: &mut Stale,
        wait: &WaitPolicy<'_>,
    ) -> Result<()> {
        self.forget(process_lock);
        stale.seen += 1;
        if stale.seen < 5 {
            return Ok(());
        }
        let slept = if wait.tries_once() {
            Err(AcquireError::Busy)
        } else {
            Backoff::new(wait).sleep(wait).map_err(AcquireError::from)
        };
        slept.map_err(|why| self.refusal(operation, why, wait))
    }

    /// Returns whether the file of this lock still has its name.
    pub fn names(&self, operation: &'static str, held: &RawGuard) -> Result<bool> {
        // In place, the name of the lock file is the data's.
        let name = match self.in_place {
            Some(_) => &self.target,
            None => self.record_path(),
        };
        let seen = sys::look(name).map_err(|error| Error::os(operation, name, error))?;
        Ok(seen.is_some_and(|seen| seen.id == held.process_lock.id)
            && held
                .process_lock
                .is_itself()
                .map_err(|error| Error::os(operation, name, error))?)
    }

    /// Returns whether the caller would wait for itself here.
    pub(crate) fn is_held_by_caller(
        &self,
        operation: &'static str,
        wait: &WaitPolicy<'_>,
    ) -> Result<bool> {
        let thread = wait.caller.unwrap_or_else(ThreadKey::current);
        Ok(self.process_lock(operation, wait)?.is_held_by(thread))
    }
}
