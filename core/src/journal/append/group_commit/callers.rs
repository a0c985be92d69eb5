//! An append in the caller's own thread, which waits for the lock or for the leader.

use std::sync::Arc;

use super::append_state::{Began, Handle};
use super::lead::step_down;
use super::lead::{Leading, acquire_to_lead, commit_with};
use super::queue::take_out;
use super::request::{Done, Reply, Request};
use crate::error::{Error, Result};
use crate::journal::append::batch::{Batch, PendingWrite};
use crate::journal::append::commit::finish;
use crate::lock::CallOptions;
use crate::oslock::{WaitError, WaitPolicy, Waiter, Wakeup};
use crate::position::Position;

/// Appends in the caller's own thread, after [`Handle::append_at_once`] found that it must
/// wait.
pub(crate) fn append(
    shared: &Arc<Handle>,
    work: &PendingWrite<'_>,
    call: &CallOptions<'_>,
) -> Result<Position> {
    if call.guard().is_some() {
        return append_under(shared, work, call);
    }
    let wait = call.begin(shared.options.timeout);
    if shared.local().queue.take() {
        return lead(shared, work, &wait);
    }
    follow(shared, work, &wait)
}

/// Appends under a lock that the caller holds. It passes the queue, whose leader may be
/// waiting for this very lock.
#[cold]
fn append_under(
    shared: &Arc<Handle>,
    work: &PendingWrite<'_>,
    call: &CallOptions<'_>,
) -> Result<Position> {
    let written = shared.under_guard("append", call, |shared, lock| {
        shared.state().writer.commit(shared, lock, work, None)
    })?;
    finish(shared, &written)
}

/// Leaves the records to the leader.
#[cold]
fn follow(
    shared: &Arc<Handle>,
    work: &PendingWrite<'_>,
    wait: &WaitPolicy<'_>,
) -> Result<Position> {
    shared.lock.forbid_own("append", wait)?;
    let queue = &shared.local().queue;
    let mut waiting = queue.queue();
    if !queue.follow(&waiting) {
        // The leader has just stepped down.
        drop(waiting);
        return lead(shared, work, wait);
    }
    let waiter = Arc::new(Waiter::new());
    if let Some(token) = wait.cancel {
        let nudge: Arc<dyn Wakeup> = Arc::clone(&waiter) as _;
        token.watch(Arc::downgrade(&nudge));
    }
    waiting.push_back(Request {
        batch: Batch::of_work(&shared.rules, work),
        at: work.at,
        done: Done::Thread(Arc::clone(&waiter)),
    });
    drop(waiting);
    let word = Queued::new(shared, waiter).wait(wait);
    match word.map_err(|why| gave_up(shared, why, wait))? {
        Reply::Done(result) => result,
        Reply::Leader(batch) => lead(shared, &batch.work(work.at), wait),
    }
}

fn gave_up(shared: &Arc<Handle>, why: WaitError, wait: &WaitPolicy<'_>) -> Error {
    match why {
        WaitError::Cancelled => Error::cancelled("append", &shared.path),
        WaitError::TimedOut => {
            let limit = wait.timeout.unwrap_or_default();
            Error::lock_timeout("append", &shared.path, limit, shared.holder())
        }
    }
}

/// Takes the lock, and commits its own work and the queue's.
fn lead(shared: &Arc<Handle>, own: &PendingWrite<'_>, wait: &WaitPolicy<'_>) -> Result<Position> {
    let leading = Leading(shared);
    let began = Began::now(shared);
    let wait = WaitPolicy {
        names: began.names(shared),
        ..*wait
    };
    let held = acquire_to_lead(shared, &wait)?;
    commit_with(leading, held, Some(own), began)
}

/// Is a call in the queue, on the thread that made it.
struct Queued<'a> {
    shared: &'a Arc<Handle>,
    waiter: Arc<Waiter<Reply>>,
    over: bool,
}

impl Queued<'_> {
    pub fn new(shared: &Arc<Handle>, waiter: Arc<Waiter<Reply>>) -> Queued<'_> {
        Queued {
            shared,
            waiter,
            over: false,
        }
    }

    /// Waits for an answer, or for the lead.
    pub fn wait(mut self, wait: &WaitPolicy<'_>) -> std::result::Result<Reply, WaitError> {
        let mut waited = self.waiter.wait(wait);
        if waited.is_err() && !self.leave() {
            // A leader has already taken the request, so this wait is short.
            waited = self.waiter.wait(&WaitPolicy::endless());
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
            && let Some(Reply::Leader(_)) = self.waiter.take()
        {
            step_down(self.shared);
        }
    }
}
