//! An append in the caller's own thread.

use std::sync::Arc;

use super::desk::{Desk, Handle};
use super::lead::step_down;
use super::lead::{Leading, acquire_to_lead, commit_with};
use super::queue::take_out;
use super::queue::{Done, Request, Word};
use crate::error::{Error, Result};
use crate::journal::append::batch::{Batch, Work};
use crate::journal::append::commit::finish;
use crate::journal::append::writer::Written;
use crate::lock::Call;
use crate::oslock::{GaveUp, Nudge, Patience, Waiter};
use crate::position::Position;

/// Appends in the caller's own thread.
#[inline]
pub(crate) fn append(shared: &Arc<Handle>, work: &Work<'_>, call: &Call<'_>) -> Result<Position> {
    shared.usable("append")?;
    if call.guard().is_some() {
        return append_under(shared, work, call);
    }
    if !call.is_cancelled()
        && let Some(result) = append_at_once(shared, work)
    {
        return finish(shared, &result?);
    }
    let patience = call.begin(shared.options.timeout);
    if shared.local().queue.take() {
        return lead(shared, work, &patience);
    }
    follow(shared, work, &patience)
}

/// Appends if no other call leads or waits, in this process or another.
#[inline]
fn append_at_once(shared: &Handle, work: &Work<'_>) -> Option<Result<Written>> {
    let local = shared.local();
    if !local.queue.is_idle() {
        return None;
    }
    let mut desk = local.desk.try_lock().ok()?;
    let Desk { writer, lock } = &mut *desk;
    // One look serves for both. A program that closes descriptors which are not its own
    // closes the lock file too.
    if !writer.is_open() {
        return None;
    }
    let held = match work.header {
        None => lock.try_again(&shared.lock)?,
        Some(_) => lock.try_to_stamp(&shared.lock)?,
    };
    Some(writer.commit(shared, held.lock_file(), work))
}

/// Appends under a lock that the caller holds. It passes the queue, whose leader may be
/// waiting for this very lock.
#[cold]
fn append_under(shared: &Arc<Handle>, work: &Work<'_>, call: &Call<'_>) -> Result<Position> {
    let written = shared.under_guard("append", call, |shared, lock| {
        shared.desk().writer.commit(shared, lock, work)
    })?;
    finish(shared, &written)
}

/// Leaves the records to the leader.
#[cold]
fn follow(shared: &Arc<Handle>, work: &Work<'_>, patience: &Patience<'_>) -> Result<Position> {
    shared.lock.forbid_own("append", patience)?;
    let queue = &shared.local().queue;
    let mut waiting = queue.queue();
    if !queue.follow(&waiting) {
        // The leader has just stepped down.
        drop(waiting);
        return lead(shared, work, patience);
    }
    let waiter = Arc::new(Waiter::new());
    if let Some(token) = patience.cancel {
        let nudge: Arc<dyn Nudge> = Arc::clone(&waiter) as _;
        token.watch(Arc::downgrade(&nudge));
    }
    waiting.push_back(Request {
        batch: Batch::of_work(&shared.rules, work),
        at: work.at,
        done: Done::Thread(Arc::clone(&waiter)),
    });
    drop(waiting);
    let word = Queued::new(shared, waiter).wait(patience);
    match word.map_err(|why| gave_up(shared, why, patience))? {
        Word::Done(result) => result,
        Word::Lead(batch) => lead(shared, &batch.work(work.at), patience),
    }
}

fn gave_up(shared: &Arc<Handle>, why: GaveUp, patience: &Patience<'_>) -> Error {
    match why {
        GaveUp::Cancelled => Error::cancelled("append", &shared.path),
        GaveUp::TimedOut => {
            let limit = patience.timeout.unwrap_or_default();
            Error::lock_timeout("append", &shared.path, limit, shared.holder())
        }
    }
}

/// Takes the lock, and commits its own work and the queue's.
#[inline]
fn lead(shared: &Arc<Handle>, own: &Work<'_>, patience: &Patience<'_>) -> Result<Position> {
    let leading = Leading(shared);
    let held = acquire_to_lead(shared, patience)?;
    commit_with(leading, held, Some(own))
}

/// Is a call in the queue, on the thread that made it.
struct Queued<'a> {
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
    pub fn wait(mut self, patience: &Patience<'_>) -> std::result::Result<Word, GaveUp> {
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
