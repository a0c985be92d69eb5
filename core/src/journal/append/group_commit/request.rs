//! Defines a call that waits for the leader, and the answer to it.

use crate::sync::Arc;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::journal::append::batch::Batch;
use crate::oslock::{CancelToken, Waiter, Wakeup};
use crate::position::Position;

/// Is a call in the queue.
pub(crate) struct Request {
    pub batch: Batch,
    pub at: Option<Position>,
    pub done: Done,
}

pub(crate) enum Done {
    Thread(Arc<Waiter<Reply>>),
    Callback(Box<Callback>),
}

pub(crate) struct Callback {
    /// Distinguishes this request. The token, if it has one, wakes it.
    pub watch: Arc<dyn Wakeup>,
    /// The timeout, counted from when the request was queued, and its deadline.
    pub limit: Option<Duration>,
    pub deadline: Option<Instant>,
    pub cancel: Option<CancelToken>,
    pub call: Box<dyn FnOnce(Result<Position>) + Send>,
}

/// Is the answer to a follower.
pub(crate) enum Reply {
    /// The records are in the file, or the append failed.
    Done(Result<Position>),
    /// The follower leads now; its own records come back to it.
    Leader(Batch),
}

impl Done {
    /// Returns whether the request must fail at once if the lock is held. A call on its
    /// own thread sees to that itself.
    pub fn tries_once(&self) -> bool {
        match self {
            Done::Thread(_) => false,
            Done::Callback(callback) => callback.limit == Some(Duration::ZERO),
        }
    }

    pub fn tell(self, result: Result<Position>) {
        match self {
            Done::Thread(waiter) => waiter.tell(Reply::Done(result)),
            // A callback that panics must not end the calls after it.
            Done::Callback(callback) => {
                let _ = catch_unwind(AssertUnwindSafe(|| (callback.call)(result)));
            }
        }
    }
}

/// Returns whether `done` belongs to the asynchronous call of this watch.
pub(crate) fn is_watched_by(done: &Done, watch: &dyn Wakeup) -> bool {
    let watch: *const dyn Wakeup = watch;
    matches!(done, Done::Callback(callback) if std::ptr::addr_eq(Arc::as_ptr(&callback.watch), watch))
}
