//! Jobs of the pool that begin at a time.

use std::collections::BTreeMap;
use std::time::Instant;

/// Work for a thread of the pool.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// When a job begins, and a number that no other has.
pub(super) type Key = (Instant, u64);

/// Kept in the pool's state. Its idle threads keep the time, so that a timer
/// takes no thread of its own: where the system gives one thread only, that one
/// does both.
#[derive(Default)]
pub(super) struct Timers {
    waiting: BTreeMap<Key, Job>,
    numbers: u64,
    /// When the next idle thread wakes up by itself to look here.
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

    /// Whether no idle thread wakes up in time for the first.
    pub fn is_unwatched(&self) -> bool {
        let first = self.waiting.first_key_value();
        first.is_some_and(|((at, _), _)| self.watched.is_none_or(|watched| *at < watched))
    }

    /// The calling thread keeps the time, and looks here at the time returned.
    /// `None`: another does so already.
    pub fn watch(&mut self) -> Option<Instant> {
        if !self.is_unwatched() {
            return None;
        }
        self.watched = self.waiting.first_key_value().map(|((at, _), _)| *at);
        self.watched
    }

    /// The thread that called `watch` is awake.
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
