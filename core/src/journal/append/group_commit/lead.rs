//! Leads: takes the lock, commits what all calls have brought, and passes the lead on.

use crate::sync::{Arc, MutexGuard, OnceLock};
use std::collections::VecDeque;

use super::append_state::{Began, Handle};
use super::queue::{take_group, take_out, take_overdue, take_those_who_try_once};
use super::request::{Done, Reply, Request, is_watched_by};
use super::unwind::{HeldUp, InHand};
use crate::background;
use crate::error::{Error, Result};
use crate::journal::append::batch::PendingWrite;
use crate::journal::append::commit::finish;
use crate::journal::append::writer::{Writer, Written};
use crate::journal::shared::Shared;
use crate::lock::CallOptions;
use crate::oslock::{LockFile, RawGuard, WaitPolicy};
use crate::position::Position;

/// Is the lead. Dropping it ends the lead, or passes it to the next call in the queue.
pub(crate) struct Leading<'a>(pub &'a Arc<Handle>);

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        step_down(self.0);
    }
}

/// Takes the lock. While it waits, calls that try only once do not stay in the queue:
/// they get the error at once.
pub(crate) fn acquire_to_lead(shared: &Handle, wait: &WaitPolicy<'_>) -> Result<RawGuard> {
    if wait.tries_once() {
        return shared.lock.acquire("append", false, wait);
    }
    let held_up = OnceLock::new();
    let waiting = || {
        held_up.get_or_init(|| hold_up(shared));
    };
    let wait = WaitPolicy {
        waiting: Some(&waiting),
        ..*wait
    };
    shared.lock.acquire("append", false, &wait)
}

#[cold]
fn hold_up(shared: &Handle) -> HeldUp<'_> {
    let queue = &shared.local().queue;
    let mut waiting = queue.queue();
    let once = take_those_who_try_once(&mut waiting);
    if !once.is_empty() && waiting.is_empty() {
        queue.emptied(&waiting);
    }
    let held_up = HeldUp::begin(shared, &waiting);
    drop(waiting);
    if !once.is_empty() {
        let refused = shared.lock.is_busy("append");
        for request in once {
            request.done.tell(Err(refused.clone()));
        }
    }
    held_up
}

/// Commits its own work and what has queued up. Then it passes the lead on, and syncs
/// last: others write meanwhile.
#[inline]
pub(crate) fn commit_with(
    leading: Leading<'_>,
    held: RawGuard,
    own: Option<&PendingWrite<'_>>,
    began: Began,
) -> Result<Position> {
    let shared = leading.0;
    let local = shared.local();
    let mut state = shared.state();
    state.lock.keep(&held);
    let writer = &mut state.writer;
    let mut others = InHand {
        shared,
        requests: take_group(&local.queue).into(),
    };
    if others.requests.is_empty()
        && let Some(own) = own
    {
        let result = writer.commit(shared, held.lock_file(), own, began.trusts(shared, &held));
        began.end(shared, &result);
        drop(state);
        drop(held);
        drop(leading);
        return finish(shared, &result?);
    }
    let mut works: Vec<PendingWrite<'_>> = Vec::with_capacity(others.requests.len() + 1);
    works.extend(own.copied());
    let brought = others.requests.iter();
    works.extend(brought.map(|request| request.batch.work(request.at)));
    let mut results = commit_group(
        shared,
        writer,
        held.lock_file(),
        &works,
        began.trusts(shared, &held),
    )
    .into_iter();
    drop(state);
    drop(held);
    drop(leading);
    let mine = own.and_then(|_| results.next());
    for result in results {
        let result = result.and_then(|written| finish(shared, &written));
        if let Some(request) = others.requests.pop_front() {
            request.done.tell(result);
        }
    }
    match mine {
        Some(result) => finish(shared, &result?),
        None => Ok(Position::NOTHING),
    }
}

/// Ends the lead, or passes it to the next call in the queue.
#[inline]
pub(crate) fn step_down(shared: &Arc<Handle>) {
    let queue = &shared.local().queue;
    if !queue.step_down() {
        pass_on(shared, queue.queue());
    }
}

#[cold]
pub(crate) fn pass_on<'a>(shared: &'a Arc<Handle>, mut waiting: MutexGuard<'a, VecDeque<Request>>) {
    let queue = &shared.local().queue;
    loop {
        let Some(next) = waiting.front() else {
            // With the mutex held no call can begin to follow.
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
                    waiter.tell(Reply::Leader(batch));
                }
                return;
            }
            Done::Callback(_) => {
                let own = Arc::clone(shared);
                let Err(error) = background::spawn(move || lead_for_callbacks(&own)) else {
                    return;
                };
                // The system starts no thread: report that to this call, and try the
                // next.
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

/// Commits a group. Neighbours with one record each, without an expected end or a
/// header, go into the file with one write. They get one answer: if the write fails,
/// none of them is in the file. Trying each again by itself could append some twice,
/// where the write could not be taken back.
pub(crate) fn commit_group(
    shared: &Shared,
    writer: &mut Writer,
    lock: LockFile<'_>,
    works: &[PendingWrite<'_>],
    mut lock_size: Option<u64>,
) -> Vec<Result<Written>> {
    let mut results = Vec::with_capacity(works.len());
    let mut rest = works;
    while let Some(first) = rest.first() {
        let run = rest
            .iter()
            .take_while(|work| work.records == 1 && work.at.is_none() && work.header.is_none())
            .count();
        if run < 2 {
            results.push(writer.commit(shared, lock, first, lock_size.take()));
            rest = &rest[1..];
            continue;
        }
        let (run, after) = rest.split_at(run);
        rest = after;
        let mut lines = std::mem::take(&mut writer.buffer);
        lines.clear();
        run.iter()
            .for_each(|work| lines.extend_from_slice(work.lines));
        let together = PendingWrite {
            lines: &lines,
            // Not all or nothing: a prefix of them still consists of whole records.
            records: 1,
            header: None,
            at: None,
        };
        match writer.commit(shared, lock, &together, lock_size.take()) {
            Ok(written) => {
                let mut end = written.end - lines.len() as u64;
                results.extend(run.iter().map(|work| {
                    end += work.lines.len() as u64;
                    Ok(Written {
                        epoch: written.epoch.clone(),
                        generation: written.generation,
                        end,
                    })
                }));
            }
            Err(error) => results.extend(run.iter().map(|_| Err(error.clone()))),
        }
        if lines.capacity() <= 1 << 20 {
            writer.buffer = lines;
        }
    }
    results
}

/// Leads for a request without a thread, with the timeout and cancellation of that
/// request.
pub(crate) fn lead_for_callbacks(shared: &Arc<Handle>) {
    let leading = Leading(shared);
    let queue = &shared.local().queue;
    let (limit, deadline, cancel, watch) = {
        let waiting = queue.queue();
        match waiting.front().map(|request| &request.done) {
            Some(Done::Callback(head)) => (
                head.limit,
                head.deadline,
                head.cancel.clone(),
                Arc::clone(&head.watch),
            ),
            // The request was cancelled meanwhile.
            _ => return,
        }
    };
    // The requests after it have no thread that would watch their deadlines.
    let keep_time = || {
        tell_overdue(shared);
        false
    };
    // Not in the name of the thread that queued it. That thread may append meanwhile,
    // and would get the error that it waits for itself.
    let mut call = CallOptions::new().interrupt(&keep_time);
    if let Some(token) = &cancel {
        call = call.cancel(token);
    }
    let began = Began::now(shared);
    let wait = WaitPolicy {
        timeout: limit,
        deadline,
        names: began.names(shared),
        ..call.begin(None)
    };
    match acquire_to_lead(shared, &wait) {
        // Each call of the group, the first one too, gets its own answer.
        Ok(held) => drop(commit_with(leading, held, None, began)),
        Err(error) => {
            if let Some(head) = take_out(queue, |done| is_watched_by(done, &*watch)) {
                head.done.tell(Err(error));
            }
        }
    }
}

fn tell_overdue(shared: &Handle) {
    while let Some(request) = take_overdue(&shared.local().queue) {
        if let Done::Callback(callback) = &request.done {
            let limit = callback.limit.unwrap_or_default();
            let error = Error::lock_timeout("append", &shared.path, limit, shared.holder());
            request.done.tell(Err(error));
        }
    }
}
