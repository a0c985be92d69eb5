//! How one who follows a journal is woken: by the system where it tells of
//! changes, else by looking now and then.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::followers::{Bell, Wake, lock};
use crate::journal::one_name;
use crate::journal::shared::Shared;
use crate::oslock::Patience;
use crate::oslock::{GaveUp, Nudge, Waiter};
use crate::sys::{self, Changes};

/// How soon to look again where the system does not tell: at first, while
/// something is going on, and at last.
const SOON: Duration = Duration::from_millis(2);
const LATE: Duration = Duration::from_millis(250);

/// One who waits for changes of a journal.
pub(crate) struct Waking {
    bell: Arc<Bell>,
    /// `None` where the system gives no watch.
    watch: Option<Changes>,
    generation: u32,
    pace: Duration,
}

impl Waking {
    /// What changes from now on ends the next [`Waking::wait`].
    pub fn begin(shared: &Shared) -> Waking {
        let bell = Arc::new(Bell {
            waiter: Waiter::new(),
            wake: Mutex::new(None),
        });
        shared.followers().add(&bell);
        Waking {
            watch: watch(shared, &bell),
            bell,
            generation: sys::generation(),
            pace: SOON,
        }
    }

    /// Whether it is of the process that this one was forked from.
    pub fn is_strange(&self) -> bool {
        self.generation != sys::generation()
    }

    /// Asks the system anew where it can't tell any more, or could not before.
    /// `true`: from now on it tells, but what came before has to be looked for.
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

    /// Something new was found: more may be on its way.
    pub fn found(&mut self) {
        self.pace = SOON;
    }

    /// Another file has the name now.
    pub fn file_changed(&self, shared: &Shared) {
        if let Some(watch) = &self.watch {
            watch.file_changed(&shared.path);
        }
    }

    /// Sleeps until something may have changed.
    pub fn wait(&mut self, shared: &Shared, patience: &Patience<'_>) -> Result<(), GaveUp> {
        if let Some(token) = patience.cancel {
            let nudge: Arc<dyn Nudge> = Arc::clone(&self.bell) as _;
            token.watch(Arc::downgrade(&nudge));
        }
        if self.is_told_all(shared) {
            return self.bell.waiter.wait(patience);
        }
        let look = Instant::now() + self.pause();
        if patience.deadline.is_some_and(|deadline| deadline <= look) {
            return self.bell.waiter.wait(patience);
        }
        let nap = Patience {
            deadline: Some(look),
            ..*patience
        };
        match self.bell.waiter.wait(&nap) {
            Err(GaveUp::TimedOut) => Ok(()),
            done => done,
        }
    }

    /// Has `wake` called once, when something may have changed since the last
    /// [`Waking::wait`] or this. Where not all is told: after how long to look
    /// again in any case.
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

    /// Of what is written to the file by a name in another directory, the system
    /// reports nothing here.
    fn is_told_all(&self, shared: &Shared) -> bool {
        self.watch.as_ref().is_some_and(Changes::tells_all)
            && !matches!(sys::look(&shared.path), Ok(Some(seen)) if one_name::is_in_doubt(&seen))
    }

    /// How long to sleep before the next look.
    fn pause(&mut self) -> Duration {
        let pause = self.pace;
        self.pace = (self.pace * 2).min(LATE);
        pause
    }
}

/// Without one where there are too many, no inotify, or no thread for it.
fn watch(shared: &Shared, bell: &Arc<Bell>) -> Option<Changes> {
    let bell = Arc::clone(bell);
    Changes::begin(&shared.path, move || bell.ring()).ok()
}
