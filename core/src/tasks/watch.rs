//! Runs tasks that look again and again until they find news: followers.
//!
//! A task that waits has no thread. The system reports changes on one thread for all,
//! and the pool does the next look. So a thousand followers take the threads of one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::completions::Outcome;
use super::event_loop::EventLoop;
use super::panicked::of_panic;
use super::run::{Order, one_of};
use super::task::{Parked, Task};
use crate::background;
use crate::error::Result;

/// Ends a sleep. It runs on any thread and waits for nothing.
pub type Wake = Box<dyn FnOnce() + Send>;

/// Is a source that a task looks at until it finds news.
pub trait Source: Send + Sync + 'static {
    /// The news.
    type Found: Send + 'static;

    /// Looks once and waits for nothing. Returns `None` if it finds no news yet.
    ///
    /// # Errors
    /// The source's own errors, which end the task.
    fn look(&self) -> Result<Option<Self::Found>>;

    /// Does the same as [`crate::Follow::wake_once`], after a look that found nothing.
    fn wake_once(&self, wake: Wake) -> Option<Duration>;
}

/// Orders the tasks that watch one source. A task looks only when the one before it
/// sleeps or has ended. So the last wake-up that was set is the task's own.
#[derive(Clone, Copy, Debug)]
pub struct WatchOrder(&'static str);

impl WatchOrder {
    /// Returns the order for one more source.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> WatchOrder {
        WatchOrder::among(&FOLLOWERS)
    }

    /// Returns the order for one more source whose looks wait for another machine. They
    /// do not hold up those at files.
    #[must_use]
    pub fn elsewhere() -> WatchOrder {
        WatchOrder::among(&ELSEWHERE)
    }

    fn among(keys: &'static [&'static str; 4]) -> WatchOrder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        WatchOrder(one_of(keys, NEXT.fetch_add(1, Ordering::Relaxed)))
    }
}

/// The orders of followers, and so how many of them look at once. They are apart from
/// reads, which may be long.
static FOLLOWERS: [&str; 4] = ["follow/0", "follow/1", "follow/2", "follow/3"];
static ELSEWHERE: [&str; 4] = [
    "follow-elsewhere/0",
    "follow-elsewhere/1",
    "follow-elsewhere/2",
    "follow-elsewhere/3",
];

impl<L: EventLoop> Task<L> {
    /// Looks at `source` until it finds news; `finish` makes them ready for the loop.
    /// It gives up after `limit`, with `None`. The task keeps no thread while it waits.
    pub fn watch<S: Source>(
        self: &Arc<Self>,
        source: S,
        WatchOrder(key): WatchOrder,
        limit: Option<Duration>,
        finish: impl FnOnce(Option<S::Found>) -> L::Value + Send + 'static,
    ) {
        let watching = Watching {
            task: Arc::clone(self),
            source: Arc::new(source),
            key,
            deadline: limit.and_then(|limit| Instant::now().checked_add(limit)),
            finish,
        };
        // Refused if the system gives no thread at all: without a thread no look would
        // follow.
        let look = Box::new(move || watching.look());
        self.submit(&Order::Handle(key.into()), false, look);
    }

    /// Submits the next look, if the task sleeps.
    fn resume(&self) {
        let parked = self.parked().take();
        if let Some(Parked { rest, key, timer }) = parked {
            drop(timer);
            background::submit_when_possible(Path::new(key), rest);
        }
    }

    fn resume_after(self: &Arc<Self>, pause: Duration) {
        let task = Arc::downgrade(self);
        let timer = background::after(pause, move || resume(&task));
        let unused = match &mut *self.parked() {
            Some(parked) => parked.timer.replace(timer),
            // News came already.
            None => Some(timer),
        };
        drop(unused);
    }
}

/// Resumes a task. The reference is weak: the sleeping work belongs to its task, not to
/// the wake-up, which belongs to the source.
fn resume<L: EventLoop>(task: &Weak<Task<L>>) {
    if let Some(task) = task.upgrade() {
        task.resume();
    }
}

struct Watching<L: EventLoop, S, F> {
    task: Arc<Task<L>>,
    source: Arc<S>,
    key: &'static str,
    deadline: Option<Instant>,
    finish: F,
}

impl<L, S, F> Watching<L, S, F>
where
    L: EventLoop,
    S: Source,
    F: FnOnce(Option<S::Found>) -> L::Value + Send + 'static,
{
    fn look(self) {
        if !self.task.start() {
            return;
        }
        let looked = catch_unwind(AssertUnwindSafe(|| self.source.look()));
        match looked {
            Ok(Ok(None)) if !self.is_late() => self.sleep(),
            Ok(result) => self.end(result),
            Err(panic) => {
                let error = of_panic(self.task.operation(), self.task.path(), &*panic);
                self.end(Err(error));
            }
        }
    }

    fn is_late(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= Instant::now())
    }

    fn end(self, result: Result<Option<S::Found>>) {
        let Watching {
            task,
            source,
            finish,
            ..
        } = self;
        // Before the end is reported, so that another task may watch the source by
        // then.
        drop(source);
        task.complete(result.map(|found| Outcome::Done(finish(found))));
    }

    fn sleep(self) {
        let (task, source) = (Arc::clone(&self.task), Arc::clone(&self.source));
        let (key, deadline) = (self.key, self.deadline);
        task.park(Parked {
            rest: Box::new(move || self.look()),
            key,
            timer: None,
        });
        // From here on another thread may have resumed it.
        let sleeper = Arc::downgrade(&task);
        let again = source.wake_once(Box::new(move || resume(&sleeper)));
        drop(source);
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if let Some(pause) = again.into_iter().chain(left).min() {
            task.resume_after(pause);
        }
    }
}
