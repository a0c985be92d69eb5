//! Takes calls out of the queue: those that one write commits, and those that give up.

use std::collections::VecDeque;
use std::time::Instant;

use super::append_state::Queue;
use super::request::{Done, Request};

/// How many bytes one write takes from the queue at most.
const GROUP: usize = 8 << 20;

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
