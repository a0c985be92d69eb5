//! The locks that one object holds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use untorn::LockGuard;

/// One for each time that the object was acquired: a shared lock may be held several
/// times at once. Never locked while this thread waits for the interpreter's lock.
#[derive(Default)]
pub struct Guards(Mutex<Vec<Arc<LockGuard>>>);

impl Guards {
    fn list(&self) -> MutexGuard<'_, Vec<Arc<LockGuard>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn push(&self, guard: Arc<LockGuard>) {
        self.list().push(guard);
    }

    pub fn pop(&self) -> Option<Arc<LockGuard>> {
        self.list().pop()
    }

    pub fn last(&self) -> Option<Arc<LockGuard>> {
        self.list().last().cloned()
    }

    /// Forgets a guard that was handed over.
    pub fn forget(&self, guard: &Arc<LockGuard>) {
        self.list().retain(|other| !Arc::ptr_eq(other, guard));
    }
}
