//! One task: its stages, its cancellation, its deadline.

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

/// Its work waits for that of other tasks, or for news.
const QUEUED: u8 = 0;
const STARTED: u8 = 1;
const OVER: u8 = 2;

/// The rest of the work of a task that sleeps until there is news.
pub(super) struct Parked {
    pub rest: Box<dyn FnOnce() + Send>,
    /// The order in which it goes on.
    pub key: &'static str,
    /// Ends the sleep where no news does.
    pub timer: Option<Timer>,
}

/// One asynchronous call.
pub struct Task<L: EventLoop> {
    id: u32,
    completions: Arc<Completions<L>>,
    operation: &'static str,
    path: Arc<Path>,
    token: CancelToken,
    stage: AtomicU8,
    /// The caller does not want the result any more.
    cancelled: AtomicBool,
    /// The time limit that has passed: what ends the task is not the caller.
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

    /// Its number among the tasks of its loop that have not ended.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The word for what it does.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The file that it works with.
    pub fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// Ends the waits of its work.
    pub fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Starts its work. `false`: the task has ended before, and does no work.
    pub fn start(&self) -> bool {
        self.change(QUEUED, STARTED)
    }

    /// It goes on when its loop is closed.
    pub fn outlive_loop(&self) {
        self.outlives_loop.store(true, Ordering::Relaxed);
    }

    pub(super) fn outlives_loop(&self) -> bool {
        self.outlives_loop.load(Ordering::Relaxed)
    }

    /// Ends it, because its caller does not want the result any more.
    pub fn cancel(self: &Arc<Self>) {
        self.cancelled.store(true, Ordering::Release);
        self.give_up();
    }

    /// Whether its caller has cancelled it.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
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
            // Before the end is reported: then what it watches is free again.
            drop(parked);
            self.fail(Error::cancelled(self.operation, &self.path));
        }
    }

    /// Whether it has ended; its loop may not have taken the result yet.
    pub fn is_over(&self) -> bool {
        self.stage.load(Ordering::Acquire) == OVER
    }

    /// Reports its end. To be called once, by the work of a task that has started.
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

    /// It tries once, and other tasks are before it.
    pub(super) fn fail_busy(self: &Arc<Self>) {
        self.fail_with(|task, holder| Error::busy(task.operation, &task.path, holder));
    }

    /// The holder of the lock is read from files: not on the event loop, which may
    /// be the thread that is here.
    fn fail_with(
        self: &Arc<Self>,
        error: impl FnOnce(&Task<L>, Option<Holder>) -> Error + Send + 'static,
    ) {
        background::over();
        let task = Arc::clone(self);
        background::run_soon(None, move || {
            let failure = L::failure(error(&task, holder(&task.path).ok().flatten()));
            task.completions.report(task.id, Outcome::Failed(failure));
        });
    }

    /// Leaves the rest of the work, which has started, until it is resumed.
    pub(super) fn park(self: &Arc<Self>, rest: Parked) {
        {
            let mut parked = self.parked();
            *parked = Some(rest);
            // Under the mutex: one that gives up from now on finds the rest.
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
