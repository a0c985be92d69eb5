//! Mutexes, condition variables, atomics and variables of a thread, for the code in
//! which calls wait and wake each other.
//!
//! They are those of the standard library. In a build with
//! `--cfg untorn_interleaved` they are those of `shuttle`, which runs all threads
//! on one and chooses at each of these calls which one goes on: see
//! `core/tests/interleaved`.

#[cfg(not(untorn_interleaved))]
pub(crate) use plain::{Condvar, Mutex, MutexGuard, atomic, thread_local, wait_timeout};
#[cfg(untorn_interleaved)]
pub(crate) use shuttled::{Condvar, Mutex, MutexGuard, atomic, thread_local, wait_timeout};
pub(crate) use std::sync::{Arc, OnceLock, PoisonError, Weak};

#[cfg(not(untorn_interleaved))]
mod plain {
    use std::sync::PoisonError;
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic};
    pub(crate) use std::thread_local;
    use std::time::Duration;

    /// Waits for a notification, at most this long. Returns whether the time is up.
    pub(crate) fn wait_timeout<'a, T>(
        changed: &Condvar,
        _: &'a Mutex<T>,
        guard: MutexGuard<'a, T>,
        longest: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        let waited = changed.wait_timeout(guard, longest);
        let (guard, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        (guard, waited.timed_out())
    }
}

#[cfg(untorn_interleaved)]
mod shuttled {
    pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard, atomic};
    pub(crate) use shuttle::thread_local;
    use std::sync::PoisonError;
    use std::time::Duration;

    /// Any time may be over at any moment: others run, and it is.
    pub(crate) fn wait_timeout<'a, T>(
        _: &Condvar,
        mutex: &'a Mutex<T>,
        guard: MutexGuard<'a, T>,
        _: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        drop(guard);
        shuttle::thread::yield_now();
        (mutex.lock().unwrap_or_else(PoisonError::into_inner), true)
    }
}
