//! Works on a journal under its lock, for all changes but appends.

use super::append_state::Handle;
use crate::error::{Error, Result};
use crate::journal::append::writer::Writer;
use crate::journal::shared::Shared;
use crate::lock::CallOptions;
use crate::oslock::LockFile;

impl Handle {
    /// Works under the lock: the call takes it, or the caller holds it already.
    pub fn under_lock<T>(
        &self,
        operation: &'static str,
        call: &CallOptions<'_>,
        work: impl FnOnce(&Shared, &mut Writer, LockFile<'_>) -> Result<T>,
    ) -> Result<T> {
        self.usable(operation)?;
        if call.guard().is_some() {
            return self.under_guard(operation, call, |shared, lock| {
                work(shared, &mut shared.state().writer, lock)
            });
        }
        let wait = call.begin(self.options.timeout);
        let held = self.lock.acquire(operation, false, &wait)?;
        work(self, &mut self.state().writer, held.lock_file())
    }

    /// Works under the lock that the caller holds.
    pub fn under_guard<T>(
        &self,
        operation: &'static str,
        call: &CallOptions<'_>,
        work: impl FnOnce(&Handle, LockFile<'_>) -> Result<T>,
    ) -> Result<T> {
        let Some(guard) = call.guard() else {
            return Err(Error::internal(operation, &self.path, "no lock was given"));
        };
        let held = guard.work(operation, &self.path, &self.lock)?;
        match &*held {
            Some(held) => work(self, held.lock_file()),
            None => Err(Error::internal(operation, &self.path, "the lock is gone")),
        }
    }
}
