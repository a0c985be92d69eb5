//! Waits for events that no system call waits for. Each wait is longer than the
//! last, within the caller's wait policy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::waiter::{WaitError, Waiter};
use crate::oslock::WaitPolicy;
use crate::sys;

const FIRST: Duration = Duration::from_micros(500);
const LONGEST: Duration = Duration::from_millis(50);

pub(crate) struct Backoff {
    next: Duration,
    waiter: Arc<Waiter<()>>,
}

impl Backoff {
    pub fn new(wait: &WaitPolicy<'_>) -> Backoff {
        let waiter = Arc::new(Waiter::new());
        if let Some(token) = wait.cancel {
            token.watch(Arc::downgrade(&waiter) as _);
        }
        Backoff {
            next: FIRST,
            waiter,
        }
    }

    /// Sleeps once. Fails if the caller's wait ends.
    pub fn sleep(&mut self, wait: &WaitPolicy<'_>) -> Result<(), WaitError> {
        let waiter = Arc::clone(&self.waiter);
        self.wait(&waiter, wait).map(drop)
    }

    /// Sleeps once, or until this waiter gets a message.
    pub fn wait<T>(
        &mut self,
        waiter: &Waiter<T>,
        wait: &WaitPolicy<'_>,
    ) -> Result<Option<T>, WaitError> {
        // The length varies, so that the waiters don't all wake at once.
        let more = (sys::random_number() % 1024) as u32;
        let nap = self.next * (768 + more / 2) / 1024;
        self.next = (self.next * 2).min(LONGEST);
        let wake = Instant::now() + nap;
        let last = wait.deadline.filter(|deadline| *deadline <= wake);
        let briefly = WaitPolicy {
            deadline: Some(last.unwrap_or(wake)),
            ..*wait
        };
        match waiter.wait(&briefly) {
            Err(WaitError::TimedOut) if last.is_none() => Ok(None),
            os_error => os_error.map(Some),
        }
    }
}
