//! The calls that wait behind the one that leads, and one word that says who leads
//! and whether somebody waits, so that a call that is alone takes no mutex to find
//! that out.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::journal::append::batch::Batch;
use crate::oslock::{CancelToken, Nudge, Waiter};
use crate::position::Position;

/// Somebody leads.
const LED: u8 = 1;
/// The queue is not empty. Changed only with the queue's mutex held.
const WAITING: u8 = 2;

/// A queue `T` of calls behind the one that leads.
///
/// A leader without followers steps down with one exchange of `LED` for
/// nothing; a follower announces itself with one of `LED` for `LED | WAITING`.
/// Only one of the two succeeds: so nobody is left waiting behind nobody.
#[derive(Default)]
pub(crate) struct Lead<T> {
    word: AtomicU8,
    queue: Mutex<T>,
}

impl<T> Lead<T> {
    /// Leads from now on, if nobody does.
    #[inline]
    pub fn take(&self) -> bool {
        self.exchange(0, LED)
    }

    /// Nobody leads, and so nobody waits.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.word.load(Ordering::Acquire) == 0
    }

    /// Ends the lead, if nobody waits for it.
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

    /// To be called before something is put into the queue. `false`: nobody
    /// led, and the caller does now.
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

    /// To be called when the queue has become empty.
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

/// One write takes no more bytes than this from the queue.
const GROUP: usize = 8 << 20;

/// Calls that wait behind the one that leads.
pub(crate) type Queue = Lead<VecDeque<Request>>;

pub(crate) struct Request {
    pub batch: Batch,
    pub at: Option<Position>,
    pub done: Done,
}

pub(crate) enum Done {
    Thread(Arc<Waiter<Word>>),
    Callback(Box<Callback>),
}

pub(crate) struct Callback {
    pub mark: Arc<()>,
    /// From when it was queued on: how long, and until when.
    pub limit: Option<Duration>,
    pub deadline: Option<Instant>,
    pub cancel: Option<CancelToken>,
    pub call: Box<dyn FnOnce(Result<Position>) + Send>,
    /// Keeps the token's watch on this request alive.
    pub _watch: Option<Arc<dyn Nudge>>,
}

/// What a follower is told.
pub(crate) enum Word {
    /// It is in the file, or is not.
    Done(Result<Position>),
    /// You lead now; here is what you brought.
    Lead(Batch),
}

impl Done {
    /// Whether it is to be told at once that the lock is held, and not to wait.
    /// (A thread of the caller's own looks after itself.)
    pub fn tries_once(&self) -> bool {
        match self {
            Done::Thread(_) => false,
            Done::Callback(callback) => callback.limit == Some(Duration::ZERO),
        }
    }

    pub fn tell(self, result: Result<Position>) {
        match self {
            Done::Thread(waiter) => waiter.tell(Word::Done(result)),
            // One that panics must not take those behind it along.
            Done::Callback(callback) => {
                let _ = catch_unwind(AssertUnwindSafe(|| (callback.call)(result)));
            }
        }
    }
}

/// Takes those out that do not wait for a lock.
pub(crate) fn take_those_who_try_once(waiting: &mut VecDeque<Request>) -> Vec<Request> {
    let (once, patient) = std::mem::take(waiting)
        .into_iter()
        .partition(|request| request.done.tries_once());
    *waiting = patient;
    Vec::from_iter::<VecDeque<Request>>(once)
}

/// Takes the next of those out whose time is over.
pub(crate) fn take_overdue(queue: &Queue) -> Option<Request> {
    // No clock is read where nobody waits.
    if queue.nobody_waits() {
        return None;
    }
    let now = Instant::now();
    take_out(
        queue,
        |done| matches!(done, Done::Callback(callback) if callback.deadline.is_some_and(|at| at <= now)),
    )
}

/// Takes a call out that gave up, if it waits still.
pub(crate) fn take_out(queue: &Queue, wanted: impl Fn(&Done) -> bool) -> Option<Request> {
    let mut waiting = queue.queue();
    let place = waiting.iter().position(|request| wanted(&request.done))?;
    let taken = waiting.remove(place);
    if waiting.is_empty() {
        queue.emptied(&waiting);
    }
    taken
}

/// Takes what one write is to commit.
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

/// Whether it is this asynchronous call's.
pub(crate) fn is_marked(done: &Done, mark: &Arc<()>) -> bool {
    matches!(done, Done::Callback(callback) if Arc::ptr_eq(&callback.mark, mark))
}
