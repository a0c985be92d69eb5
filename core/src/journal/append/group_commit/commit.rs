//! Many threads on one handle: one of them leads and commits what all have
//! brought by the time it has the lock (group commit).
//!
//! A call that finds nobody leading leads at once, without copying its record.
//! The others leave theirs in the queue and sleep; an asynchronous call leaves
//! a callback instead.

use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use super::asynchronous::lead_for_callbacks;
use super::group::commit_group;
use super::queue::{Done, Request, Word, take_group, take_out, take_those_who_try_once};
use crate::background;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::append::batch::Batch;
use crate::journal::append::writer::{Work, Written};
use crate::journal::shared::{Desk, Shared};
use crate::lock::Call;
use crate::oslock::Held;
use crate::oslock::Patience;
use crate::oslock::{GaveUp, Nudge, Waiter};
use crate::position::Position;

/// Appends in the caller's own thread.
#[inline]
pub(crate) fn append(shared: &Arc<Shared>, work: &Work<'_>, call: &Call<'_>) -> Result<Position> {
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

/// Appends if nobody else is about, neither here nor in other processes.
#[inline]
fn append_at_once(shared: &Shared, work: &Work<'_>) -> Option<Result<Written>> {
    let local = shared.local();
    if !local.queue.is_idle() {
        return None;
    }
    let mut desk = local.desk.try_lock().ok()?;
    let Desk { writer, lock } = &mut *desk;
    // One look for both: who closes behind our back closes the lock file as well.
    if !writer.is_open() {
        return None;
    }
    let held = match work.header {
        None => lock.try_again(&shared.lock)?,
        Some(_) => lock.try_to_stamp(&shared.lock)?,
    };
    Some(writer.commit(shared, held.lock_file(), work))
}

/// Under a lock that the caller holds: past the queue, whose leader may be
/// waiting for this very lock.
#[cold]
fn append_under(shared: &Arc<Shared>, work: &Work<'_>, call: &Call<'_>) -> Result<Position> {
    let written = shared.under_guard("append", call, |shared, lock| {
        shared.desk().writer.commit(shared, lock, work)
    })?;
    finish(shared, &written)
}

/// Leaves the records to whoever leads.
#[cold]
fn follow(shared: &Arc<Shared>, work: &Work<'_>, patience: &Patience<'_>) -> Result<Position> {
    shared.lock.forbid_own("append", patience)?;
    let queue = &shared.local().queue;
    let mut waiting = queue.queue();
    if !queue.follow(&waiting) {
        // The leader has stepped down just now.
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
    let word = match waiter.wait(patience) {
        Ok(word) => word,
        Err(why) => {
            if take_out(
                &shared.local().queue,
                |done| matches!(done, Done::Thread(other) if Arc::ptr_eq(other, &waiter)),
            )
            .is_some()
            {
                return Err(gave_up(shared, why, patience));
            }
            // Somebody has it in hand by now: it will not take long.
            match waiter.wait(&Patience::endless()) {
                Ok(word) => word,
                Err(_) => return Err(Error::internal("append", &shared.path, "a wait ended")),
            }
        }
    };
    match word {
        Word::Done(result) => result,
        Word::Lead(batch) => lead(shared, &batch.work(work.at), patience),
    }
}

fn gave_up(shared: &Arc<Shared>, why: GaveUp, patience: &Patience<'_>) -> Error {
    match why {
        GaveUp::Cancelled => Error::cancelled("append", &shared.path),
        GaveUp::TimedOut => {
            let limit = patience.timeout.unwrap_or_default();
            Error::lock_timeout("append", &shared.path, limit, shared.holder())
        }
    }
}

/// Takes the lock for its own work.
#[inline]
fn lead(shared: &Arc<Shared>, own: &Work<'_>, patience: &Patience<'_>) -> Result<Position> {
    match acquire_to_lead(shared, patience) {
        Ok(held) => commit_with(shared, held, Some(own)),
        Err(error) => {
            step_down(shared);
            Err(error)
        }
    }
}

/// Takes the lock. While that has to be waited for, calls that are to try only
/// once do not stand in the queue: they are told.
pub(crate) fn acquire_to_lead(shared: &Shared, patience: &Patience<'_>) -> Result<Held> {
    let once = Call::new().timeout(Some(Duration::ZERO)).begin(None);
    let once = Patience {
        caller: patience.caller,
        ..once
    };
    let refused = match shared.lock.acquire("append", false, &once) {
        Err(error) if error.kind() == ErrorKind::Locked && !patience.tries_once() => error,
        taken => return taken,
    };
    let queue = &shared.local().queue;
    let mut waiting = queue.queue();
    let told = take_those_who_try_once(&mut waiting);
    if !told.is_empty() && waiting.is_empty() {
        queue.emptied(&waiting);
    }
    shared.hold_up(Some(refused.clone()));
    drop(waiting);
    for request in told {
        request.done.tell(Err(refused.clone()));
    }
    let taken = shared.lock.acquire("append", false, patience);
    let waiting = queue.queue();
    shared.hold_up(None);
    drop(waiting);
    taken
}

/// Commits its own work and what has queued up, then lets the next one lead,
/// and only then syncs: others write meanwhile.
#[inline]
pub(crate) fn commit_with(
    shared: &Arc<Shared>,
    held: Held,
    own: Option<&Work<'_>>,
) -> Result<Position> {
    let local = shared.local();
    let mut desk = shared.desk();
    desk.lock.keep(&held);
    let writer = &mut desk.writer;
    let others = take_group(&local.queue);
    if others.is_empty()
        && let Some(own) = own
    {
        let result = writer.commit(shared, held.lock_file(), own);
        drop(desk);
        drop(held);
        step_down(shared);
        return finish(shared, &result?);
    }
    let mut works: Vec<Work<'_>> = Vec::with_capacity(others.len() + 1);
    works.extend(own.copied());
    works.extend(others.iter().map(|request| request.batch.work(request.at)));
    let mut results = commit_group(shared, writer, held.lock_file(), &works).into_iter();
    drop(desk);
    drop(held);
    step_down(shared);
    let mine = own.and_then(|_| results.next());
    for (request, result) in others.into_iter().zip(results) {
        let result = result.and_then(|written| finish(shared, &written));
        request.done.tell(result);
    }
    match mine {
        Some(result) => finish(shared, &result?),
        None => Ok(Position::NOTHING),
    }
}

/// Ends the lead, or gives it to the next in the queue.
#[inline]
pub(crate) fn step_down(shared: &Arc<Shared>) {
    let queue = &shared.local().queue;
    if !queue.step_down() {
        pass_on(shared, queue.queue());
    }
}

#[cold]
pub(crate) fn pass_on<'a>(shared: &'a Arc<Shared>, mut waiting: MutexGuard<'a, VecDeque<Request>>) {
    let queue = &shared.local().queue;
    loop {
        let Some(next) = waiting.front() else {
            // With the mutex held nobody can begin to follow.
            queue.step_down();
            return;
        };
        match &next.done {
            Done::Thread(_) => {
                let next = waiting.pop_front();
                if waiting.is_empty() {
                    queue.emptied(&waiting);
                }
                if let Some(Request {
                    batch,
                    done: Done::Thread(waiter),
                    ..
                }) = next
                {
                    waiter.tell(Word::Lead(batch));
                }
                return;
            }
            Done::Callback(_) => {
                let own = Arc::clone(shared);
                let Err(error) = background::spawn(move || lead_for_callbacks(&own)) else {
                    return;
                };
                // No thread to be had: say so, and see whether the next fares
                // better.
                let failed = waiting.pop_front();
                if waiting.is_empty() {
                    queue.emptied(&waiting);
                }
                drop(waiting);
                if let Some(request) = failed {
                    request
                        .done
                        .tell(Err(Error::os("append", &shared.path, error)));
                }
                waiting = queue.queue();
            }
        }
    }
}

/// Makes it as durable as was asked.
#[inline]
fn finish(shared: &Arc<Shared>, written: &Written) -> Result<Position> {
    if let Some(epoch) = &written.epoch {
        epoch
            .sync(shared)
            .map_err(|why| why.after(shared, "append", "the record is in the file"))?;
    }
    Ok(Position {
        generation: written.generation,
        offset: written.end,
    })
}
