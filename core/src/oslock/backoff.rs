//! Waits for events that no system call waits for. Each wait is longer than the
//! last, within the caller's patience.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::waiter::{GaveUp, Waiter};
use crate::oslock::Patience;
use crate::sys;

const FIRST: Duration = Duration::from_micros(500);
const LONGEST: Duration = Duration::from_millis(50);

pub(crate) struct Backoff {
    next: Duration,
    waiter: Arc<Waiter<()>>,
}

impl Backoff {
    pub fn new(patience: &Patience<'_>) -> Backoff {
        let waiter = Arc::new(Waiter::new());
        if let Some(token) = patience.cancel {
            token.watch(Arc::downgrade(&waiter) as _);
        }
        Backoff {
            next: FIRST,
            waiter,
        }
    }

    /// Sleeps once. Fails if the caller's patience ends.
    pub fn sleep(&mut self, patience: &Patience<'_>) -> Result<(), GaveUp> {
        let waiter = Arc::clone(&self.waiter);
        self.wait(&waiter, patience).map(drop)
    }

    /// Sleeps once, or until this waiter gets a message.
    pub fn wait<T>(
        &mut self,
        waiter: &Waiter<T>,
        patience: &Patience<'_>,
    ) -> Result<Option<T>, GaveUp> {
        // The length varies, so that the waiters don't all wake at once.
        let more = (sys::random_number() % 1024) as u32;
        let nap = self.next * (768 + more / 2) / 1024;
        self.next = (self.next * 2).min(LONGEST);
        let wake = Instant::now() + nap;
        let last = patience.deadline.filter(|deadline| *deadline <= wake);
        let briefly = Patience {
            deadline: Some(last.unwrap_or(wake)),
            ..*patience
        };
        match waiter.wait(&briefly) {
            Err(GaveUp::TimedOut) if last.is_none() => Ok(None),
            told => told.map(Some),
        }
    }
}
