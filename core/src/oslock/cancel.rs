//! Ending another thread's wait.

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::fmt;

/// A waiter that a cancelled token wakes.
pub(crate) trait Wakeup: Send + Sync {
    /// Makes the waiter look at its token.
    fn nudge(&self);
}

/// Ends the waits of the calls that were given it. A cancelled call has changed
/// nothing and holds no lock.
///
/// Clones are the same token. A token stays cancelled.
///
/// ```
/// use untorn::{CallOptions, CancelToken, ErrorKind, Journal};
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::open(dir.path().join("j.jsonl"))?;
/// let token = CancelToken::new();
/// token.cancel(); // any thread may, at any time
/// let error = journal.append_with(b"1", &CallOptions::new().cancel(&token)).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Cancelled);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct CancelToken(Arc<State>);

#[derive(Default)]
struct State {
    cancelled: AtomicBool,
    limited: AtomicBool,
    waiters: Mutex<Waiters>,
}

/// The waiters of a token. Nearly every token has one, which needs no memory of its own.
#[derive(Default)]
struct Waiters {
    first: Option<Weak<dyn Wakeup>>,
    others: Vec<Weak<dyn Wakeup>>,
}

impl CancelToken {
    /// Creates a token that is not cancelled.
    #[must_use]
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    /// Ends the current waits at once, and later waits with this token too.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        let waiters = std::mem::take(&mut *self.waiters());
        let all = waiters.first.iter().chain(&waiters.others);
        for waiter in all.filter_map(Weak::upgrade) {
            waiter.nudge();
        }
    }

    /// Returns whether `cancel` was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Notes that the token is cancelled after a time that its calls were given.
    pub(crate) fn limit(&self) {
        self.0.limited.store(true, Ordering::Relaxed);
    }

    /// Returns whether `limit` was called.
    pub(crate) fn is_limited(&self) -> bool {
        self.0.limited.load(Ordering::Relaxed)
    }

    /// Has this waiter woken when the token is cancelled. The waiter must look
    /// at `is_cancelled` afterwards: the token may have been cancelled before.
    pub(crate) fn watch(&self, waiter: Weak<dyn Wakeup>) {
        let mut waiters = self.waiters();
        waiters.others.retain(|other| other.strong_count() > 0);
        match &waiters.first {
            Some(first) if first.strong_count() > 0 => waiters.others.push(waiter),
            _ => waiters.first = Some(waiter),
        }
    }

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.0
            .waiters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelToken")
            .field(&self.is_cancelled())
            .finish()
    }
}
