//! Many threads on one handle: one of them leads and commits what all have
//! brought by the time it has the lock (group commit).
//!
//! A call that finds nobody leading leads at once, without copying its record.
//! The others leave theirs in the queue and sleep; an asynchronous call leaves
//! a callback instead.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, MutexGuard, Weak};
use std::time::Duration;

use super::Position;
use super::batch::Batch;
use super::lead::Lead;
use super::shared::{Desk, Shared};
use super::writer::{Work, Writer, Written};
use crate::background;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Call, Caller, CancelToken, GaveUp, Held, LockFile, Nudge, Patience, Waiter};

/// One write takes no more bytes than this from the queue.
const GROUP: usize = 8 << 20;

/// Calls that wait behind the one that leads.
pub(super) type Queue = Lead<VecDeque<Request>>;

pub(super) struct Request {
    batch: Batch,
    at: Option<Position>,
    done: Done,
}

enum Done {
    Thread(Arc<Waiter<Word>>),
    Callback(Box<Callback>),
}

struct Callback {
    mark: Arc<()>,
    caller: Caller,
    timeout: Option<Option<Duration>>,
    cancel: Option<CancelToken>,
    call: Box<dyn FnOnce(Result<Position>) + Send>,
    // Keeps the token's watch on this request alive.
    _watch: Option<Arc<Watch>>,
}

/// What a follower is told.
enum Word {
    /// It is in the file, or is not.
    Done(Result<Position>),
    /// You lead now; here is what you brought.
    Lead(Batch),
}

impl Done {
    fn tell(self, result: Result<Position>) {
        match self {
            Done::Thread(waiter) => waiter.tell(Word::Done(result)),
            // One that panics must not take those behind it along.
            Done::Callback(callback) => {
                let _ = catch_unwind(AssertUnwindSafe(|| (callback.call)(result)));
            }
        }
    }
}

/// Appends in the caller's own thread.
#[inline]
pub(super) fn append(shared: &Arc<Shared>, work: &Work<'_>, call: &Call<'_>) -> Result<Position> {
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
    let held = lock.try_again()?;
    Some(writer.commit(&shared.options, &shared.path, held.lock_file(), work))
}

/// Appends on a thread of the library's own; `done` is called there.
pub(super) fn append_queued(
    shared: &Arc<Shared>,
    batch: Batch,
    at: Option<Position>,
    timeout: Option<Option<Duration>>,
    cancel: Option<CancelToken>,
    done: Box<dyn FnOnce(Result<Position>) + Send>,
) {
    if let Err(error) = shared.usable("append") {
        return done(Err(error));
    }
    if cancel.as_ref().is_some_and(CancelToken::is_cancelled) {
        return done(Err(Error::cancelled("append", &shared.path)));
    }
    let mark = Arc::new(());
    let watch = cancel.as_ref().map(|token| {
        let watch = Arc::new(Watch {
            shared: Arc::downgrade(shared),
            mark: Arc::clone(&mark),
        });
        token.watch(Arc::downgrade(&watch) as Weak<dyn Nudge>);
        watch
    });
    let request = Request {
        batch,
        at,
        done: Done::Callback(Box::new(Callback {
            mark,
            caller: Caller::current(),
            timeout,
            cancel,
            call: done,
            _watch: watch,
        })),
    };
    let queue = &shared.local().queue;
    let mut waiting = queue.queue();
    let leads = !queue.follow(&waiting);
    if leads {
        // There is no thread here to lead with, so the request waits like any
        // other, for the one that `pass_on` starts.
        queue.follow(&waiting);
    }
    waiting.push_back(request);
    if leads {
        pass_on(shared, waiting);
    }
}

/// Under a lock that the caller holds: past the queue, whose leader may be
/// waiting for this very lock.
#[cold]
fn append_under(shared: &Arc<Shared>, work: &Work<'_>, call: &Call<'_>) -> Result<Position> {
    let written = shared.under_guard("append", call, |shared, lock| {
        shared
            .desk()
            .writer
            .commit(&shared.options, &shared.path, lock, work)
    })?;
    finish(shared, &written)
}

/// Leaves the records to whoever leads.
#[cold]
fn follow(shared: &Arc<Shared>, work: &Work<'_>, patience: &Patience<'_>) -> Result<Position> {
    shared.sidecar.forbid_own("append", patience)?;
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
        batch: Batch::of_lines(&shared.rules, work.lines, work.records),
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
        Word::Lead(batch) => lead(
            shared,
            &Work {
                lines: batch.lines(),
                records: batch.len(),
                at: work.at,
            },
            patience,
        ),
    }
}

fn take_out(queue: &Queue, wanted: impl Fn(&Done) -> bool) -> Option<Request> {
    let mut waiting = queue.queue();
    let place = waiting.iter().position(|request| wanted(&request.done))?;
    let taken = waiting.remove(place);
    if waiting.is_empty() {
        queue.emptied(&waiting);
    }
    taken
}

fn gave_up(shared: &Arc<Shared>, why: GaveUp, patience: &Patience<'_>) -> Error {
    match why {
        GaveUp::Cancelled => Error::cancelled("append", &shared.path),
        GaveUp::TimedOut => Error::new(
            ErrorKind::LockTimeout,
            "append",
            &shared.path,
            format!(
                "the lock was not free within {:?}; nothing was appended",
                patience.timeout.unwrap_or_default()
            ),
        )
        .held_by(crate::lock::holder(&shared.path).ok().flatten()),
    }
}

/// Takes the lock for its own work.
#[inline]
fn lead(shared: &Arc<Shared>, own: &Work<'_>, patience: &Patience<'_>) -> Result<Position> {
    match shared.sidecar.acquire("append", false, patience) {
        Ok(held) => commit_with(shared, held, Some(own)),
        Err(error) => {
            step_down(shared);
            Err(error)
        }
    }
}

/// Commits its own work and what has queued up, then lets the next one lead,
/// and only then syncs: others write meanwhile.
#[inline]
fn commit_with(shared: &Arc<Shared>, held: Held, own: Option<&Work<'_>>) -> Result<Position> {
    let local = shared.local();
    let mut desk = shared.desk();
    desk.lock.keep(&held);
    let writer = &mut desk.writer;
    let others = take_group(&local.queue);
    if others.is_empty()
        && let Some(own) = own
    {
        let result = writer.commit(&shared.options, &shared.path, held.lock_file(), own);
        drop(desk);
        drop(held);
        step_down(shared);
        return finish(shared, &result?);
    }
    let mut works: Vec<Work<'_>> = Vec::with_capacity(others.len() + 1);
    works.extend(own.copied());
    works.extend(others.iter().map(|request| Work {
        lines: request.batch.lines(),
        records: request.batch.len(),
        at: request.at,
    }));
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

#[inline]
fn take_group(queue: &Queue) -> Vec<Request> {
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

/// Neighbours without an expected end go into the file with one write. If that
/// fails, each is tried by itself, so that each gets its own answer.
fn commit_group(
    shared: &Shared,
    writer: &mut Writer,
    lock: LockFile<'_>,
    works: &[Work<'_>],
) -> Vec<Result<Written>> {
    let mut results = Vec::with_capacity(works.len());
    let mut rest = works;
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|work| work.at.is_none()).count();
        if run < 2 {
            results.push(writer.commit(&shared.options, &shared.path, lock, first));
            rest = &rest[1..];
            continue;
        }
        let (run, after) = rest.split_at(run);
        rest = after;
        let mut lines = std::mem::take(&mut writer.buffer);
        lines.clear();
        run.iter()
            .for_each(|work| lines.extend_from_slice(work.lines));
        let together = Work {
            lines: &lines,
            // All or nothing matters only where one call brought many; the
            // prefix of a run of single records is whole records.
            records: run.iter().map(|work| work.records).max().unwrap_or(0),
            at: None,
        };
        match writer.commit(&shared.options, &shared.path, lock, &together) {
            Ok(written) => {
                let mut end = written.end - lines.len() as u64;
                results.extend(run.iter().map(|work| {
                    end += work.lines.len() as u64;
                    Ok(Written {
                        data: written.data.clone(),
                        generation: written.generation,
                        end,
                    })
                }));
            }
            Err(_) => results.extend(
                run.iter()
                    .map(|work| writer.commit(&shared.options, &shared.path, lock, work)),
            ),
        }
        if lines.capacity() <= 1 << 20 {
            writer.buffer = lines;
        }
    }
    results
}

/// Ends the lead, or gives it to the next in the queue.
#[inline]
fn step_down(shared: &Arc<Shared>) {
    let queue = &shared.local().queue;
    if !queue.step_down() {
        pass_on(shared, queue.queue());
    }
}

#[cold]
fn pass_on<'a>(shared: &'a Arc<Shared>, mut waiting: MutexGuard<'a, VecDeque<Request>>) {
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

/// The lead of a request that has no thread: as patient as that request is.
fn lead_for_callbacks(shared: &Arc<Shared>) {
    let queue = &shared.local().queue;
    let (timeout, cancel, caller, mark) = {
        let waiting = queue.queue();
        match waiting.front().map(|request| &request.done) {
            Some(Done::Callback(head)) => (
                head.timeout,
                head.cancel.clone(),
                head.caller,
                Arc::clone(&head.mark),
            ),
            // It was cancelled meanwhile.
            _ => return pass_on(shared, waiting),
        }
    };
    let mut call = Call::new().caller(caller);
    if let Some(timeout) = timeout {
        call = call.timeout(timeout);
    }
    if let Some(token) = &cancel {
        call = call.cancel(token);
    }
    match shared
        .sidecar
        .acquire("append", false, &call.begin(shared.options.timeout))
    {
        // The group, the head of the queue among it, is told one by one.
        Ok(held) => drop(commit_with(shared, held, None)),
        Err(error) => {
            if let Some(head) = take_out(queue, |done| is_marked(done, &mark)) {
                head.done.tell(Err(error));
            }
            step_down(shared);
        }
    }
}

fn is_marked(done: &Done, mark: &Arc<()>) -> bool {
    matches!(done, Done::Callback(callback) if Arc::ptr_eq(&callback.mark, mark))
}

/// Takes a cancelled request out of the queue.
struct Watch {
    shared: Weak<Shared>,
    mark: Arc<()>,
}

impl Nudge for Watch {
    fn nudge(&self) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let found = take_out(&shared.local().queue, |done| is_marked(done, &self.mark));
        if let Some(request) = found {
            request
                .done
                .tell(Err(Error::cancelled("append", &shared.path)));
        }
    }
}

/// Makes it as durable as was asked.
#[inline]
fn finish(shared: &Arc<Shared>, written: &Written) -> Result<Position> {
    if let Some(data) = &written.data {
        shared.local().sync.sync(shared, data, written.end)?;
    }
    Ok(Position {
        generation: written.generation,
        offset: written.end,
    })
}
