//! Queues the calls that wait for the leader. One atomic says whether a call leads, and
//! whether others wait. So a call that is alone takes no mutex to find that out.

use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::journal::append::batch::Batch;
use crate::oslock::{CancelToken, Waiter, Wakeup};
use crate::position::Position;

/// Is set while a call leads.
const LED: u8 = 1;
/// Is set while the queue is not empty. Changed only with the queue's mutex held.
const WAITING: u8 = 2;

/// Pairs a queue `T` of waiting calls with the lead.
///
/// A leader without followers steps down by exchanging `LED` for 0. A follower
/// announces itself by exchanging `LED` for `LED | WAITING`. Only one of the two
/// succeeds, so no call waits without a leader.
#[derive(Default)]
pub(crate) struct Leader<T> {
    word: AtomicU8,
    queue: Mutex<T>,
}

impl<T> Leader<T> {
    /// Takes the lead, if no call has it.
    #[inline]
    pub fn take(&self) -> bool {
        self.exchange(0, LED)
    }

    /// Returns whether no call leads. Then none waits either.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.word.load(Ordering::Acquire) == 0
    }

    /// Ends the lead, if no call waits for it.
    #[inline]
    pub fn step_down(&self) -> bool {
        self.exchange(LED, 0)
    }

    #[inline]
    pub fn nobody_waits(&self) -> bool {
        self.word.load(Ordering::Acquire) & WAITING == 0
    }

    pub fn queue(&self) -> MutexGuard<'_, T> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces a follower, before it puts its request into the queue. Returns `false`
    /// if no call led, and this caller leads now.
    pub fn follow(&self, _: &MutexGuard<'_, T>) -> bool {
        loop {
            if self.take() {
                return false;
            }
            // Fails if the leader has just stepped down.
            if !self.nobody_waits() || self.exchange(LED, LED | WAITING) {
                return true;
            }
        }
    }

    /// Notes that the queue is empty. Must be called when it has become so.
    pub fn emptied(&self, _: &MutexGuard<'_, T>) {
        self.word.fetch_and(!WAITING, Ordering::AcqRel);
    }

    #[inline]
    fn exchange(&self, from: u8, to: u8) -> bool {
        self.word
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// How many bytes one write takes from the queue at most.
const GROUP: usize = 8 << 20;

/// Holds the calls that wait for the leader.
pub(crate) type Queue = Leader<VecDeque<Request>>;

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
    pub mark: Arc<()>,
    /// The timeout, counted from when the request was queued, and its deadline.
    pub limit: Option<Duration>,
    pub deadline: Option<Instant>,
    pub cancel: Option<CancelToken>,
    pub call: Box<dyn FnOnce(Result<Position>) + Send>,
    /// Keeps the token's watch on this request alive.
    pub _watch: Option<Arc<dyn Wakeup>>,
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

/// Takes out the requests that do not wait for a lock.
pub(crate) fn take_those_who_try_once(waiting: &mut VecDeque<Request>) -> Vec<Request> {
    let (once, patient) = std::mem::take(waiting)
        .into_iter()
        .partition(|request| request.done.tries_once());
    *waiting = patient;
    Vec::from_iter::<VecDeque<Request>>(once)
}

/// Takes out the next request whose deadline has passed.
pub(crate) fn take_overdue(queue: &Queue) -> Option<Request> {
    // With an empty queue no clock is read.
    if queue.nobody_waits() {
        return None;
    }
    let now = Instant::now();
    take_out(
        queue,
        |done| matches!(done, Done::Callback(callback) if callback.deadline.is_some_and(|at| at <= now)),
    )
}

/// Takes out a call that gave up, if it still waits.
pub(crate) fn take_out(queue: &Queue, wanted: impl Fn(&Done) -> bool) -> Option<Request> {
    let mut waiting = queue.queue();
    let place = waiting.iter().position(|request| wanted(&request.done))?;
    let taken = waiting.remove(place);
    if waiting.is_empty() {
        queue.emptied(&waiting);
    }
    taken
}

/// Takes out the requests that one write will commit.
#[inline]
pub(crate) fn take_group(queue: &Queue) -> Vec<Request> {
    if queue.nobody_waits() {
        return Vec::new();
    }
    let mut waiting = queue.queue();
    let mut group = Vec::new();
    let mut bytes = 0;
    while let Some(next) = waiting.front() {
        bytes += next.batch.lines().len();
        if bytes > GROUP && !group.is_empty() {
            break;
        }
        group.extend(waiting.pop_front());
    }
    if waiting.is_empty() {
        queue.emptied(&waiting);
    }
    group
}

/// Returns whether `done` belongs to the asynchronous call with this mark.
pub(crate) fn is_marked(done: &Done, mark: &Arc<()>) -> bool {
    matches!(done, Done::Callback(callback) if Arc::ptr_eq(&callback.mark, mark))
}
