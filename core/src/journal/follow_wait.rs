//! How one who follows a journal is woken: by the system where it tells of
//! changes, else by looking now and then.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::fs::{self, Changes};
use crate::lock::{GaveUp, Nudge, Patience, Waiter};

/// How soon to look again where the system does not tell: at first, while
/// something is going on, and at last.
const SOON: Duration = Duration::from_millis(2);
const LATE: Duration = Duration::from_millis(250);

/// Who is to be woken when the handle is closed.
#[derive(Default)]
pub(super) struct Followers(Mutex<Vec<Weak<Waiter<()>>>>);

impl Followers {
    fn add(&self, waiter: &Arc<Waiter<()>>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(waiter));
    }

    pub fn wake(&self) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .filter_map(Weak::upgrade)
            .for_each(|waiter| waiter.tell(()));
    }
}

/// One who waits for changes of a journal.
pub(super) struct Waking {
    waiter: Arc<Waiter<()>>,
    /// `None` where the system gives no watch.
    watch: Option<Changes>,
    generation: u32,
    pace: Duration,
}

impl Waking {
    /// What changes from now on ends the next [`Waking::wait`].
    pub fn begin(shared: &Shared) -> Waking {
        let waiter = Arc::new(Waiter::new());
        shared.local().followers.add(&waiter);
        Waking {
            watch: watch(shared, &waiter),
            waiter,
            generation: fs::generation(),
            pace: SOON,
        }
    }

    /// Whether it is of the process that this one was forked from.
    pub fn is_strange(&self) -> bool {
        self.generation != fs::generation()
    }

    /// Asks the system anew where it can't tell any more, or could not before.
    /// `true`: from now on it tells, but what came before has to be looked for.
    pub fn renew(&mut self, shared: &Shared) -> bool {
        let renew = match &self.watch {
            Some(watch) => watch.is_over(),
            None => self.pace == LATE,
        };
        if renew {
            self.watch = watch(shared, &self.waiter);
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
    pub fn wait(&mut self, patience: &Patience<'_>) -> Result<(), GaveUp> {
        if let Some(token) = patience.cancel {
            let nudge: Arc<dyn Nudge> = Arc::clone(&self.waiter) as _;
            token.watch(Arc::downgrade(&nudge));
        }
        if self.watch.as_ref().is_some_and(Changes::tells_all) {
            return self.waiter.wait(patience);
        }
        let look = Instant::now() + self.pace;
        self.pace = (self.pace * 2).min(LATE);
        if patience.deadline.is_some_and(|deadline| deadline <= look) {
            return self.waiter.wait(patience);
        }
        let nap = Patience {
            deadline: Some(look),
            ..*patience
        };
        match self.waiter.wait(&nap) {
            Err(GaveUp::TimedOut) => Ok(()),
            done => done,
        }
    }
}

/// Without one where there are too many, or no inotify.
fn watch(shared: &Shared, waiter: &Arc<Waiter<()>>) -> Option<Changes> {
    let waiter = Arc::clone(waiter);
    Changes::begin(&shared.path, move || waiter.tell(())).ok()
}
