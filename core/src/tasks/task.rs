//! Defines one task: its stages, its cancellation, its deadline.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::completions::{Completions, Outcome};
use super::event_loop::EventLoop;
use crate::background::{self, Timer};
use crate::error::{Error, ErrorKind, Result};
use crate::holder::Holder;
use crate::lock::holder;
use crate::oslock::CancelToken;

/// The task waits for other tasks, or for news.
const QUEUED: u8 = 0;
const STARTED: u8 = 1;
const OVER: u8 = 2;

/// Holds the rest of the work of a task that sleeps until news comes.
pub(super) struct Parked {
    pub rest: Box<dyn FnOnce() + Send>,
    /// The order in which it continues.
    pub key: &'static str,
    /// Ends the sleep if no news does.
    pub timer: Option<Timer>,
}

/// Is one asynchronous call.
pub struct Task<L: EventLoop> {
    id: u32,
    completions: Arc<Completions<L>>,
    operation: &'static str,
    path: Arc<Path>,
    token: CancelToken,
    stage: AtomicU8,
    /// The caller no longer wants the result.
    cancelled: AtomicBool,
    /// The time limit that has passed. Then the limit ended the task, not the caller.
    expired: OnceLock<Duration>,
    outlives_loop: AtomicBool,
    parked: Mutex<Option<Parked>>,
}

impl<L: EventLoop> Task<L> {
    pub(super) fn new(
        id: u32,
        completions: Arc<Completions<L>>,
        operation: &'static str,
        path: &Arc<Path>,
    ) -> Arc<Task<L>> {
        Arc::new(Task {
            id,
            completions,
            operation,
            path: Arc::clone(path),
            token: CancelToken::new(),
            stage: AtomicU8::new(QUEUED),
            cancelled: AtomicBool::new(false),
            expired: OnceLock::new(),
            outlives_loop: AtomicBool::new(false),
            parked: Mutex::new(None),
        })
    }

    /// Returns its number among the unfinished tasks of its loop.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Returns the word for its operation.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Returns the file that it works with.
    pub fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// Returns the token that ends the waits of its work.
    pub fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Starts its work. Returns `false` if the task has already ended, and so does no
    /// work.
    pub fn start(&self) -> bool {
        self.change(QUEUED, STARTED)
    }

    /// Lets it continue when its loop is closed.
    pub fn outlive_loop(&self) {
        self.outlives_loop.store(true, Ordering::Relaxed);
    }

    pub(super) fn outlives_loop(&self) -> bool {
        self.outlives_loop.load(Ordering::Relaxed)
    }

    /// Ends it, because its caller no longer wants the result.
    pub fn cancel(self: &Arc<Self>) {
        self.cancelled.store(true, Ordering::Release);
        self.give_up();
    }

    /// Returns whether its caller has cancelled it.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Notes that its loop will call [`Task::expire`]: its caller has set a timeout.
    pub fn limit(&self) {
        self.token.limit();
    }

    /// Ends it, because its deadline has passed, `limit` after it began.
    pub fn expire(self: &Arc<Self>, limit: Duration) {
        let _ = self.expired.set(limit);
        self.give_up();
    }

    /// Ends its wait. A task that has not started ends at once.
    pub(super) fn give_up(self: &Arc<Self>) {
        let queued = self.change(QUEUED, OVER);
        self.token.cancel();
        if queued {
            let parked = self.parked().take();
            // Before the end is reported, so that its source is free by then.
            drop(parked);
            self.fail(Error::cancelled(self.operation, &self.path));
        }
    }

    /// Returns whether it has ended. Its loop may not have taken the result yet.
    pub fn is_over(&self) -> bool {
        self.stage.load(Ordering::Acquire) == OVER
    }

    /// Reports its end. Must be called once, by the work of a task that has started.
    pub fn complete(self: &Arc<Self>, result: Result<Outcome<L>>) {
        self.stage.store(OVER, Ordering::Release);
        match result {
            Ok(outcome) => self.report(outcome),
            Err(error) => self.fail(error),
        }
    }

    fn report(&self, outcome: Outcome<L>) {
        // The loop's next call of the same order may try only once.
        background::over();
        self.completions.report(self.id, outcome);
    }

    fn fail(self: &Arc<Self>, error: Error) {
        match self.expired.get() {
            Some(&limit) if error.kind() == ErrorKind::Cancelled => {
                self.fail_with(move |task, holder| {
                    Error::lock_timeout(task.operation, &task.path, limit, holder)
                });
            }
            _ => self.report(Outcome::Failed(L::failure(error))),
        }
    }

    /// Fails a task that tries once while other tasks are before it.
    pub(super) fn fail_busy(self: &Arc<Self>) {
        self.fail_with(|task, holder| Error::busy(task.operation, &task.path, holder));
    }

    /// Reports an error that names the holder of the lock. The holder is read from
    /// files. That must not happen on the event loop, which may be this thread.
    fn fail_with(
        self: &Arc<Self>,
        error: impl FnOnce(&Task<L>, Option<Holder>) -> Error + Send + 'static,
    ) {
        background::over();
        let task = Arc::clone(self);
        let report = move || {
            let failure = L::failure(error(&task, holder(&task.path).ok().flatten()));
            task.completions.report(task.id, Outcome::Failed(failure));
        };
        background::run_soon(None, Box::new(report));
    }

    /// Keeps the rest of the work, which has started, until it is resumed.
    pub(super) fn park(self: &Arc<Self>, rest: Parked) {
        {
            let mut parked = self.parked();
            *parked = Some(rest);
            // Under the mutex: a cancellation from now on finds the rest.
            self.change(STARTED, QUEUED);
        }
        if self.token.is_cancelled() {
            self.give_up();
        }
    }

    pub(super) fn parked(&self) -> MutexGuard<'_, Option<Parked>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, from: u8, to: u8) -> bool {
        self.stage
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}
