//! How one call waits, and under which lock it works.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::guard::{GuardState, LockGuard};
use crate::oslock::{Caller, CancelToken, Progress, WaitPolicy};

/// How one call waits for its lock, and under which lock it works.
///
/// ```
/// use std::time::Duration;
/// use untorn::{CallOptions, FileLock, Journal};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("session.jsonl");
/// let journal = Journal::open(&path)?;
/// journal.append_with(b"{\"n\":1}", &CallOptions::new().timeout(Some(Duration::from_secs(2))))?;
///
/// // Several steps under one lock:
/// let guard = FileLock::acquire(&path)?;
/// let under = CallOptions::new().lock(&guard);
/// journal.append_with(b"{\"n\":2}", &under)?;
/// journal.append_with(b"{\"n\":3}", &under)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Default)]
pub struct CallOptions<'a> {
    timeout: Option<Option<Duration>>,
    pub(crate) cancel: Option<&'a CancelToken>,
    interrupt: Option<&'a (dyn Fn() -> bool + Sync)>,
    pub(crate) guard: Option<&'a LockGuard>,
    caller: Option<Caller>,
    progress: Option<&'a (dyn Fn(Progress) + Sync)>,
}

impl<'a> CallOptions<'a> {
    /// Waits as the handle does: indefinitely, unless it was opened with a
    /// timeout.
    #[must_use]
    pub fn new() -> CallOptions<'a> {
        CallOptions::default()
    }

    /// Overrides the handle's timeout for this call. `None` waits indefinitely,
    /// and zero tries once. One deadline holds for the whole call.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> CallOptions<'a> {
        self.timeout = Some(timeout);
        self
    }

    /// Lets another thread end the wait.
    #[must_use]
    pub fn cancel(mut self, token: &'a CancelToken) -> CallOptions<'a> {
        self.cancel = Some(token);
        self
    }

    /// Calls `interrupt` about every 50 ms on the waiting thread; `true` ends
    /// the wait with `CANCELLED`. This is for runtimes that deliver signals
    /// only between two instructions of their own.
    #[must_use]
    pub fn interrupt(mut self, interrupt: &'a (dyn Fn() -> bool + Sync)) -> CallOptions<'a> {
        self.interrupt = Some(interrupt);
        self
    }

    /// Works under a lock that the caller already holds on the same path.
    #[must_use]
    pub fn lock(mut self, guard: &'a LockGuard) -> CallOptions<'a> {
        self.guard = Some(guard);
        self
    }

    /// Calls `progress` on the calling thread, about every 50 ms, with the bytes that are
    /// done so far: in `verify`, `repair`, `replace_batch` and searches. After all the
    /// work it is called once more, with `done` equal to `total`. To end the work, cancel
    /// the call's token. In `replace_batch` the journal is locked meanwhile.
    ///
    /// ```
    /// use untorn::{CallOptions, Journal};
    /// # let dir = tempfile::tempdir()?;
    /// # let journal = Journal::open(dir.path().join("s.jsonl"))?;
    /// # journal.append(b"1")?;
    /// let show = |progress: untorn::Progress| {
    ///     eprintln!("{} of {} bytes", progress.done, progress.total);
    /// };
    /// journal.verify_with(&CallOptions::new().progress(&show))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn progress(mut self, progress: &'a (dyn Fn(Progress) + Sync)) -> CallOptions<'a> {
        self.progress = Some(progress);
        self
    }

    /// Makes the call asynchronous, on behalf of this thread. If this thread
    /// holds the lock, the call waits for it; a blocking call would fail with
    /// `DEADLOCK`. A lock that the call takes counts as held by this thread.
    #[doc(hidden)]
    #[must_use]
    pub fn caller(mut self, caller: Caller) -> CallOptions<'a> {
        self.caller = Some(caller);
        self
    }

    pub(crate) fn guard(&self) -> Option<&'a Arc<GuardState>> {
        self.guard.map(LockGuard::kept)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(CancelToken::is_cancelled)
    }

    /// Starts the clock, if the call has a timeout.
    pub(crate) fn begin(&self, default_timeout: Option<Duration>) -> WaitPolicy<'a> {
        let timeout = self.timeout.unwrap_or(default_timeout);
        WaitPolicy {
            timeout,
            // A call without an end reads no clock.
            deadline: timeout.and_then(|limit| Instant::now().checked_add(limit)),
            cancel: self.cancel,
            interrupt: self.interrupt,
            caller: self.caller.map(|caller| caller.0),
            progress: self.progress,
            ..WaitPolicy::endless()
        }
    }
}

impl fmt::Debug for CallOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("timeout", &self.timeout)
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}
