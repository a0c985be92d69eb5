//! A value that only one call at a time uses.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use untorn::Error;

/// A call takes the value out while it works, so that the mutex is never held
/// during a wait. A signal handler, or another thread, that wants it then gets an
/// error, not a deadlock.
pub struct Slot<T>(Mutex<State<T>>);

enum State<T> {
    Here(T),
    InUse,
    Gone,
}

impl<T> Slot<T> {
    pub fn new(value: T) -> Slot<T> {
        Slot(Mutex::new(State::Here(value)))
    }

    pub fn empty() -> Slot<T> {
        Slot(Mutex::new(State::Gone))
    }

    fn swap(&self, state: State<T>) -> State<T> {
        std::mem::replace(
            &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner),
            state,
        )
    }

    pub fn put(&self, value: T) {
        self.swap(State::Here(value));
    }

    /// Works with the value.
    pub fn with<R>(
        &self,
        operation: &'static str,
        path: &Path,
        work: impl FnOnce(&mut T) -> untorn::Result<R>,
    ) -> untorn::Result<R> {
        let refuse = |why: &str| Err(Error::invalid_argument(operation, path, why));
        match self.swap(State::InUse) {
            State::Here(mut value) => {
                let result = work(&mut value);
                self.swap(State::Here(value));
                result
            }
            State::InUse => refuse("another call is using it"),
            State::Gone => {
                self.swap(State::Gone);
                refuse("it has not begun (use it in a with block), or is over")
            }
        }
    }

    /// Whether it has no value.
    pub fn is_empty(&self) -> bool {
        matches!(
            *self.0.lock().unwrap_or_else(PoisonError::into_inner),
            State::Gone
        )
    }

    /// Takes the value out, unless a call is using it.
    pub fn take(&self) -> Option<T> {
        match self.swap(State::Gone) {
            State::Here(value) => Some(value),
            State::InUse => {
                self.swap(State::InUse);
                None
            }
            State::Gone => None,
        }
    }
}
