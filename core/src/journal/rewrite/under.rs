//! Holds one lock for several steps, the call's own or the caller's. Between two steps
//! the caller has control, and may have lost the lock.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::journal::shared::Shared;
use crate::lock::{CallOptions, GuardState};
use crate::oslock::LockFile;
use crate::oslock::{RawGuard, Within};

/// Is the lock that several steps are made under.
pub(crate) enum Under {
    Own(RawGuard),
    Given(Arc<GuardState>),
}

impl Under {
    /// Takes the lock, or uses the guard of the call.
    pub fn begin(
        shared: &Shared,
        operation: &'static str,
        call: &CallOptions<'_>,
    ) -> Result<Under> {
        shared.usable(operation)?;
        Ok(match call.guard() {
            Some(kept) => Under::Given(Arc::clone(kept)),
            None => {
                let wait = call.begin(shared.options.timeout);
                Under::Own(shared.lock.acquire(operation, false, &wait)?)
            }
        })
    }

    /// Notes what the caller's own code does between the steps. A lock that the caller gave is its own.
    pub fn note_work(&self, within: Within) {
        if let Under::Own(held) = self {
            held.note_work(within);
        }
    }

    /// Runs one step, after it has checked that the lock is still held.
    pub fn run<T>(
        &self,
        shared: &Shared,
        operation: &'static str,
        step: impl FnOnce(LockFile<'_>) -> Result<T>,
    ) -> Result<T> {
        match self {
            Under::Own(held) if held.is_ours() => step(held.lock_file()),
            Under::Own(_) => Err(Error::invalid_argument(
                operation,
                &shared.path,
                "the lock belongs to the process that this one was forked from",
            )),
            Under::Given(kept) => {
                let held = kept.work(operation, &shared.path, &shared.lock)?;
                match &*held {
                    Some(held) => step(held.lock_file()),
                    None => Err(Error::internal(operation, &shared.path, "the lock is gone")),
                }
            }
        }
    }
}
