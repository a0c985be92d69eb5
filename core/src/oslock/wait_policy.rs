//! How much longer one call may wait.

use std::time::{Duration, Instant};

use super::caller::ThreadKey;
use super::cancel::CancelToken;
use crate::sys::RecentLook;

/// The interval at which a waiting thread asks whether it was interrupted.
pub(crate) const INTERRUPT_EVERY: Duration = Duration::from_millis(50);

/// How far a long call is.
///
/// ```
/// use untorn::{CallOptions, Journal, Progress};
/// # let dir = tempfile::tempdir()?;
/// # let journal = Journal::open(dir.path().join("s.jsonl"))?;
/// # journal.append(b"1")?;
/// let show = |Progress { done, total, .. }: Progress| eprintln!("{done} of {total} bytes");
/// journal.verify_with(&CallOptions::new().progress(&show))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many bytes are done.
    pub done: u64,
    /// How many there are. It can grow: other processes append meanwhile.
    pub total: u64,
}

/// How much longer a call that has begun may wait.
#[derive(Clone, Copy)]
pub(crate) struct WaitPolicy<'a> {
    pub timeout: Option<Duration>,
    pub deadline: Option<Instant>,
    pub cancel: Option<&'a CancelToken>,
    pub interrupt: Option<&'a (dyn Fn() -> bool + Sync)>,
    pub caller: Option<ThreadKey>,
    pub progress: Option<&'a (dyn Fn(Progress) + Sync)>,
    /// Is called when the wait begins, if the lock is not free.
    pub waiting: Option<&'a (dyn Fn() + Sync)>,
    /// Says whether a look at the open lock file suffices instead of one at its name.
    pub names: Option<&'a RecentLook>,
}

impl WaitPolicy<'_> {
    /// Waits indefinitely.
    pub fn endless() -> WaitPolicy<'static> {
        WaitPolicy {
            timeout: None,
            deadline: None,
            cancel: None,
            interrupt: None,
            caller: None,
            progress: None,
            waiting: None,
            names: None,
        }
    }

    /// Tries once, for this caller.
    pub fn once(caller: Option<ThreadKey>) -> WaitPolicy<'static> {
        WaitPolicy {
            timeout: Some(Duration::ZERO),
            deadline: Some(Instant::now()),
            caller,
            ..WaitPolicy::endless()
        }
    }

    /// Returns whether the timeout is zero: one try, whatever happens.
    pub fn tries_once(&self) -> bool {
        self.timeout == Some(Duration::ZERO)
    }

    /// Returns the time that is left, for the rest of a call that waits twice.
    /// Zero only if it was zero at first: a last try differs from a single one.
    pub fn left(&self) -> Option<Duration> {
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match self.tries_once() {
            true => Some(Duration::ZERO),
            false => left.map(|left| left.max(Duration::from_nanos(1))),
        }
    }

    /// Returns whether nothing but the lock itself can end the wait. Then the
    /// thread may block in the kernel itself.
    pub fn is_endless(&self) -> bool {
        self.deadline.is_none() && self.cancel.is_none() && self.interrupt.is_none()
    }

    /// Returns whether the caller has set how long the call may wait. An event loop
    /// keeps the time of its calls itself, and cancels their tokens.
    pub fn is_limited(&self) -> bool {
        self.deadline.is_some() || self.cancel.is_some_and(CancelToken::is_limited)
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(CancelToken::is_cancelled)
    }

    /// For work that takes long without waiting for others.
    pub fn asking(&self) -> Asking<'_> {
        let now = Instant::now();
        Asking {
            wait: self,
            asked: now,
            reported: now,
        }
    }

    /// Reports that all of the work is done.
    pub fn all_done(&self, total: u64) {
        if let Some(progress) = self.progress {
            progress(Progress { done: total, total });
        }
    }
}

/// Asks between two steps whether the caller still wants the work.
pub(crate) struct Asking<'a> {
    wait: &'a WaitPolicy<'a>,
    asked: Instant,
    reported: Instant,
}

impl Asking<'_> {
    /// Reports how far the work is, if the caller wants to know. Then does the same as
    /// [`Asking::is_ended`].
    pub fn is_ended_at(&mut self, done: u64, total: u64) -> bool {
        if let Some(progress) = self.wait.progress
            && self.reported.elapsed() >= INTERRUPT_EVERY
        {
            self.reported = Instant::now();
            let total = total.max(done);
            progress(Progress { done, total });
        }
        self.is_ended()
    }

    /// Returns whether the caller cancelled the work or was interrupted.
    #[inline]
    pub fn is_ended(&mut self) -> bool {
        if self.wait.is_cancelled() {
            return true;
        }
        let Some(interrupt) = self.wait.interrupt else {
            return false;
        };
        // The interrupt may run code of the caller's language, and wait for it.
        if self.asked.elapsed() < INTERRUPT_EVERY {
            return false;
        }
        self.asked = Instant::now();
        interrupt()
    }
}
