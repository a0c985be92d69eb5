//! The owner of a transaction, and how its calls use locks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use untorn::Reconcile;

use crate::call::locked;

/// The owner of the transaction.
pub enum Source {
    Own(Box<Mutex<untorn::Transaction>>),
    /// A reconciliation, which commits it.
    Of(Arc<Mutex<Box<Reconcile>>>),
}

pub type Work<T> = untorn::Result<T>;

impl Source {
    pub fn wait<T>(&self, work: impl FnOnce(&mut untorn::Transaction) -> Work<T>) -> Work<T> {
        match self {
            Source::Own(own) => work(&mut locked(own)),
            Source::Of(turn) => work(locked(turn).transaction()?),
        }
    }

    /// For a blocking call. `None` while an asynchronous one runs, which may wait
    /// for this very event loop.
    pub fn at_once<T>(
        &self,
        work: impl FnOnce(&mut untorn::Transaction) -> Work<T>,
    ) -> Option<Work<T>> {
        match self {
            Source::Own(own) => Some(work(&mut *free(own)?)),
            Source::Of(turn) => Some(free(turn)?.transaction().and_then(work)),
        }
    }
}

fn free<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// One call of a transaction that waits for a lock, until it is dropped.
pub struct Wait(Arc<AtomicUsize>);

impl Wait {
    pub fn begin(waits: &Arc<AtomicUsize>) -> Wait {
        waits.fetch_add(1, Ordering::Relaxed);
        Wait(Arc::clone(waits))
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How a call of a transaction uses locks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Locks {
    /// It waits for the lock of a file.
    Waits,
    /// It tries once.
    Tries,
    /// It takes no lock.
    None,
}

impl Locks {
    pub fn of(try_once: bool) -> Locks {
        if try_once { Locks::Tries } else { Locks::Waits }
    }
}
