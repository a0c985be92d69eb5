//! Leaves no call waiting when a thread panics. A thread may panic while it leads or
//! waits in the queue, since a caller's own code runs in its waits.

use std::collections::VecDeque;
use std::sync::Arc;

use super::desk::Handle;
use super::lead::step_down;
use super::queue::{Done, Request, Word, take_out};
use crate::error::Error;
use crate::oslock::{GaveUp, Patience, Waiter};

/// Is the lead. Dropping it ends the lead, or passes it to the next call in the queue.
pub(crate) struct Leading<'a>(pub &'a Arc<Handle>);

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        step_down(self.0);
    }
}

/// Is a call in the queue, on the thread that made it.
pub(super) struct Queued<'a> {
    shared: &'a Arc<Handle>,
    waiter: Arc<Waiter<Word>>,
    over: bool,
}

impl Queued<'_> {
    pub fn new(shared: &Arc<Handle>, waiter: Arc<Waiter<Word>>) -> Queued<'_> {
        Queued {
            shared,
            waiter,
            over: false,
        }
    }

    /// Waits for an answer, or for the lead.
    pub fn wait(mut self, patience: &Patience<'_>) -> Result<Word, GaveUp> {
        let mut waited = self.waiter.wait(patience);
        if waited.is_err() && !self.leave() {
            // A leader has already taken the request, so this wait is short.
            waited = self.waiter.wait(&Patience::endless());
        }
        self.over = true;
        waited
    }

    /// Takes the request out of the queue. Returns `false` if the queue no longer holds
    /// it.
    fn leave(&self) -> bool {
        let is_own =
            |done: &Done| matches!(done, Done::Thread(other) if Arc::ptr_eq(other, &self.waiter));
        take_out(&self.shared.local().queue, is_own).is_some()
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if !self.over
            && !self.leave()
            && let Some(Word::Lead(_)) = self.waiter.take()
        {
            step_down(self.shared);
        }
    }
}

/// Holds the requests of other threads that this leader has taken.
pub(super) struct InHand<'a> {
    pub shared: &'a Handle,
    pub requests: VecDeque<Request>,
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        for request in self.requests.drain(..) {
            let path = &self.shared.path;
            let why = "the thread that wrote this together with its own records panicked, so it \
                       is not known whether this is in the file";
            request.done.tell(Err(Error::internal("append", path, why)));
        }
    }
}

/// Marks the time in which the leader waits for the lock.
pub(super) struct HeldUp<'a>(pub &'a Handle);

impl Drop for HeldUp<'_> {
    fn drop(&mut self) {
        let waiting = self.0.local().queue.queue();
        self.0.hold_up(None);
        drop(waiting);
    }
}
