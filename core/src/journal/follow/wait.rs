//! Wakes a follower: by the system if it reports changes, else by a look now and then.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::followers::{Bell, Wake, lock};
use crate::journal::shared::Shared;
use crate::oslock::WaitPolicy;
use crate::oslock::{WaitError, Waiter, Wakeup};
use crate::sys::{self, Changes};

/// The times between two looks where the system reports no changes: the shortest, while
/// changes happen, and the longest.
const SOON: Duration = Duration::from_millis(2);
const LATE: Duration = Duration::from_millis(250);
/// The time between two looks where an engine reports most changes.
const SELDOM: Duration = Duration::from_secs(1);

/// Waits for changes of a journal.
pub(crate) struct Waking {
    bell: Arc<Bell>,
    /// `None` if the system gives no watch.
    watch: Option<Changes>,
    /// The watch of an engine that is not files.
    told: Option<Box<dyn Send + Sync>>,
    generation: u32,
    pace: Duration,
}

impl Waking {
    /// Begins to watch: a change from now on ends the next [`Waking::wait`].
    pub fn begin(shared: &Shared) -> Waking {
        let bell = Arc::new(Bell {
            waiter: Waiter::new(),
            wake: Mutex::new(None),
        });
        shared.followers().add(&bell);
        let told = shared.elsewhere.as_ref().and_then(|bytes| {
            let bell = Arc::clone(&bell);
            bytes.watch(Arc::new(move || bell.ring()))
        });
        Waking {
            watch: watch(shared, &bell),
            told,
            bell,
            generation: sys::generation(),
            pace: SOON,
        }
    }

    /// Returns whether it belongs to the process that this one was forked from.
    pub fn is_strange(&self) -> bool {
        self.generation != sys::generation()
    }

    /// Starts a new watch if the old one has ended, or none could be had before.
    /// Returns `true` if it watches only from now on, so earlier changes must be looked
    /// for.
    pub fn renew(&mut self, shared: &Shared) -> bool {
        let renew = match &self.watch {
            Some(watch) => watch.is_over(),
            None => self.pace == LATE,
        };
        if renew {
            self.watch = watch(shared, &self.bell);
        }
        renew && self.watch.is_some()
    }

    /// Notes that something new was found: more may come soon.
    pub fn found(&mut self) {
        self.pace = SOON;
    }

    /// Notes that another file has the name now.
    pub fn file_changed(&self, shared: &Shared) {
        if let Some(watch) = &self.watch {
            watch.file_changed(&shared.path);
        }
    }

    /// Sleeps until something may have changed.
    pub fn wait(&mut self, shared: &Shared, wait: &WaitPolicy<'_>) -> Result<(), WaitError> {
        if let Some(token) = wait.cancel {
            let nudge: Arc<dyn Wakeup> = Arc::clone(&self.bell) as _;
            token.watch(Arc::downgrade(&nudge));
        }
        if self.is_told_all(shared) {
            return self.bell.waiter.wait(wait);
        }
        let look = Instant::now() + self.pause();
        if wait.deadline.is_some_and(|deadline| deadline <= look) {
            return self.bell.waiter.wait(wait);
        }
        let nap = WaitPolicy {
            deadline: Some(look),
            ..*wait
        };
        match self.bell.waiter.wait(&nap) {
            Err(WaitError::TimedOut) => Ok(()),
            done => done,
        }
    }

    /// Calls `wake` once, when something may have changed since the last
    /// [`Waking::wait`] or `wake_once`. If not every change is reported, returns the
    /// time after which to look again in any case.
    pub fn wake_once(&mut self, shared: &Shared, wake: Wake) -> Option<Duration> {
        *lock(&self.bell.wake) = Some(wake);
        if self.bell.waiter.take().is_some() {
            self.bell.ring();
            self.bell.waiter.take();
        }
        (!self.is_told_all(shared)).then(|| self.pause())
    }

    /// Wakes the event loop that sleeps, for the last time.
    pub fn end(self) {
        self.bell.ring();
    }

    /// Returns whether the system reports every change. It reports none of the writes
    /// by a name in another directory.
    fn is_told_all(&self, shared: &Shared) -> bool {
        shared.elsewhere.is_none()
            && self.watch.as_ref().is_some_and(Changes::tells_all)
            && !matches!(sys::look(&shared.path), Ok(Some(seen)) if seen.may_have_other_names())
    }

    /// Returns how long to sleep before the next look.
    fn pause(&mut self) -> Duration {
        if self.told.is_some() {
            return SELDOM;
        }
        let pause = self.pace;
        self.pace = (self.pace * 2).min(LATE);
        pause
    }
}

/// Begins a watch. Returns `None` if the system has too many watches, no inotify, or no
/// thread for it.
fn watch(shared: &Shared, bell: &Arc<Bell>) -> Option<Changes> {
    if shared.elsewhere.is_some() {
        return None;
    }
    let bell = Arc::clone(bell);
    Changes::begin(&shared.path, move || bell.ring()).ok()
}
