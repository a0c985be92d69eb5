//! Keeps the jobs of the pool that begin at a time.

use std::collections::BTreeMap;
use std::time::Instant;

/// Is work for a thread of the pool.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Says when a job begins, with a number that no other job has.
pub(super) type Key = (Instant, u64);

/// Keeps the timers in the pool's state. Its idle threads keep the time, so a timer
/// takes no thread of its own. If the system gives only one thread, that one does both.
#[derive(Default)]
pub(super) struct Timers {
    waiting: BTreeMap<Key, Job>,
    numbers: u64,
    /// The time at which the next idle thread wakes up by itself to look here.
    watched: Option<Instant>,
}

impl Timers {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn take_due(&mut self) -> Option<Job> {
        let (at, _) = *self.waiting.first_key_value()?.0;
        if at > Instant::now() {
            return None;
        }
        self.waiting.pop_first().map(|(_, job)| job)
    }

    /// Returns whether no idle thread wakes up in time for the first job.
    pub fn is_unwatched(&self) -> bool {
        let first = self.waiting.first_key_value();
        first.is_some_and(|((at, _), _)| self.watched.is_none_or(|watched| *at < watched))
    }

    /// Makes the calling thread keep the time, and returns when it must look here.
    /// Returns `None` if another thread already does so.
    pub fn watch(&mut self) -> Option<Instant> {
        if !self.is_unwatched() {
            return None;
        }
        self.watched = self.waiting.first_key_value().map(|((at, _), _)| *at);
        self.watched
    }

    /// Notes that the thread that called `watch` is awake.
    pub fn unwatch(&mut self, at: Instant) {
        if self.watched == Some(at) {
            self.watched = None;
        }
    }

    pub fn insert(&mut self, at: Instant, job: Job) -> Key {
        self.numbers += 1;
        let key = (at, self.numbers);
        self.waiting.insert(key, job);
        key
    }

    pub fn remove(&mut self, key: Key) -> Option<Job> {
        self.waiting.remove(&key)
    }
}
