//! One call that waits: for a lock, or for a leader to commit its records.

use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError, wait_timeout};
use std::io;
use std::time::{Duration, Instant};

use super::caller::Within;
use super::cancel::Wakeup;
use super::wait_policy::{INTERRUPT_EVERY, WaitPolicy};
use crate::background;

/// The place where a waiting call sleeps, and the message that wakes it.
pub(crate) struct Waiter<T = Grant> {
    word: Mutex<Option<T>>,
    changed: Condvar,
}

/// The messages to a waiter for a lock.
#[derive(Debug)]
pub(crate) enum Grant {
    /// The lock is yours.
    Granted,
    /// You are the first now: block in the kernel yourself.
    Block,
    /// You are the first now, and no thread can block for you: poll.
    Poll,
    /// The system can't lock this file.
    Failed(io::Error),
}

/// Why a wait ended without a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitError {
    TimedOut,
    Cancelled,
}

/// Why a lock was not taken.
#[derive(Debug)]
pub(crate) enum AcquireError {
    Busy,
    TimedOut,
    Cancelled,
    /// The caller's thread has the lock, and does this under it.
    Deadlock(Option<Within>),
    System(io::Error),
}

impl From<WaitError> for AcquireError {
    fn from(why: WaitError) -> AcquireError {
        match why {
            WaitError::TimedOut => AcquireError::TimedOut,
            WaitError::Cancelled => AcquireError::Cancelled,
        }
    }
}

impl<T: Send> Wakeup for Waiter<T> {
    fn nudge(&self) {
        // Under the mutex. Otherwise a nudge could be lost between a look at
        // the token and the sleep after it.
        let _word = self.lock();
        self.changed.notify_one();
    }
}

impl<T> Waiter<T> {
    pub fn new() -> Waiter<T> {
        Waiter {
            word: Mutex::new(None),
            changed: Condvar::new(),
        }
    }

    /// Gives the waiter a message and wakes it.
    pub fn tell(&self, word: T) {
        *self.lock() = Some(word);
        self.changed.notify_one();
    }

    /// Takes the message, if there is one by now.
    pub fn take(&self) -> Option<T> {
        self.lock().take()
    }

    /// Sleeps until a message comes, or the wait ends. Returns `None` at `look`, for a
    /// caller that has something else to do then.
    pub fn wait_until(
        &self,
        wait: &WaitPolicy<'_>,
        look: Option<Instant>,
    ) -> Result<Option<T>, WaitError> {
        let look = look.filter(|look| wait.deadline.is_none_or(|deadline| *look < deadline));
        let Some(look) = look else {
            return self.wait(wait).map(Some);
        };
        let until = WaitPolicy {
            deadline: Some(look),
            ..*wait
        };
        match self.wait(&until) {
            Err(WaitError::TimedOut) => Ok(None),
            result => result.map(Some),
        }
    }

    /// Sleeps until a message comes, or the wait ends.
    pub fn wait(&self, wait: &WaitPolicy<'_>) -> Result<T, WaitError> {
        let mut word = self.lock();
        loop {
            if let Some(word) = word.take() {
                return Ok(word);
            }
            if wait.is_cancelled() {
                return Err(WaitError::Cancelled);
            }
            let left = match wait.deadline {
                None => None,
                Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => Some(left),
                    _ => return Err(WaitError::TimedOut),
                },
            };
            let nap = match wait.interrupt {
                None => left,
                Some(_) => Some(left.map_or(INTERRUPT_EVERY, |left| left.min(INTERRUPT_EVERY))),
            };
            word = self.sleep(word, nap);
            if let Some(interrupt) = wait.interrupt
                && word.is_none()
            {
                // Not under the mutex: it may run the caller's own code.
                drop(word);
                if interrupt() {
                    return Err(WaitError::Cancelled);
                }
                word = self.lock();
            }
        }
    }

    fn sleep<'a>(
        &'a self,
        word: MutexGuard<'a, Option<T>>,
        nap: Option<Duration>,
    ) -> MutexGuard<'a, Option<T>> {
        background::while_waiting(|| match nap {
            None => self
                .changed
                .wait(word)
                .unwrap_or_else(PoisonError::into_inner),
            Some(nap) => wait_timeout(&self.changed, &self.word, word, nap).0,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.word.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
