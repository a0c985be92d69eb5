//! What the writers of one journal handle share: the queue, and the desk at which
//! one at a time works.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::queue::Queue;
use crate::error::{Error, Result};
use crate::journal::append::writer::Writer;
use crate::journal::shared::Shared;
use crate::lock::Call;
use crate::oslock::{AtHand, LockFile};
use crate::sys::PerProcess;

/// One journal handle.
pub(crate) struct Handle {
    pub shared: Arc<Shared>,
    local: PerProcess<Local>,
}

impl Deref for Handle {
    type Target = Shared;

    #[inline]
    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// What a forked child makes anew.
pub(crate) struct Local {
    pub queue: Queue,
    /// Why the one that leads has to wait for the lock. Changed only with the
    /// queue's mutex held.
    pub held_up: Mutex<Option<Error>>,
    pub desk: Mutex<Desk>,
}

/// Somebody who appends. A journal that was closed meanwhile has nothing open
/// when he has done.
pub(crate) struct AtDesk<'a> {
    shared: &'a Shared,
    desk: MutexGuard<'a, Desk>,
}

impl Deref for AtDesk<'_> {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl DerefMut for AtDesk<'_> {
    fn deref_mut(&mut self) -> &mut Desk {
        &mut self.desk
    }
}

impl Drop for AtDesk<'_> {
    fn drop(&mut self) {
        if self.shared.is_closed() {
            self.desk.writer.close();
            self.desk.writer.buffer = Vec::new();
            self.desk.lock = AtHand::default();
        }
    }
}

/// What an append needs, for one at a time.
pub(crate) struct Desk {
    pub writer: Writer,
    pub lock: AtHand,
}

impl Desk {
    fn new() -> Desk {
        Desk {
            writer: Writer::new(),
            lock: AtHand::default(),
        }
    }
}

impl Handle {
    pub fn new(shared: Arc<Shared>) -> Handle {
        Handle {
            shared,
            local: PerProcess::new(),
        }
    }

    #[inline]
    pub fn local(&self) -> &Local {
        self.local.get(|| Local {
            queue: Queue::default(),
            held_up: Mutex::new(None),
            desk: Mutex::new(Desk::new()),
        })
    }

    pub fn desk(&self) -> AtDesk<'_> {
        let desk = &self.local().desk;
        let desk = desk.lock().unwrap_or_else(|poisoned| {
            // The thread that panicked may have left half of what it knew.
            let mut left = poisoned.into_inner();
            *left = Desk::new();
            desk.clear_poison();
            left
        });
        AtDesk {
            shared: &self.shared,
            desk,
        }
    }

    /// Why the one that leads waits for the lock, if it does. To be called with
    /// the queue's mutex held.
    pub fn held_up(&self) -> Option<Error> {
        let held_up = self.local().held_up.lock();
        held_up.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same, to be remembered.
    pub fn hold_up(&self, why: Option<Error>) {
        let held_up = self.local().held_up.lock();
        *held_up.unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// What is open is closed: at once, or, by those who are at work with it,
    /// when they have done.
    pub fn close(&self) {
        self.mark_closed();
        drop(self.desk());
    }

    /// Works under the lock: the call's own, or one that the caller holds.
    pub fn under_lock<T>(
        &self,
        operation: &'static str,
        call: &Call<'_>,
        work: impl FnOnce(&Shared, &mut Writer, LockFile<'_>) -> Result<T>,
    ) -> Result<T> {
        self.usable(operation)?;
        if call.guard().is_some() {
            return self.under_guard(operation, call, |shared, lock| {
                work(shared, &mut shared.desk().writer, lock)
            });
        }
        let patience = call.begin(self.options.timeout);
        let held = self.lock.acquire(operation, false, &patience)?;
        work(self, &mut self.desk().writer, held.lock_file())
    }

    /// Works under the lock that the caller holds.
    pub fn under_guard<T>(
        &self,
        operation: &'static str,
        call: &Call<'_>,
        work: impl FnOnce(&Handle, LockFile<'_>) -> Result<T>,
    ) -> Result<T> {
        let Some(guard) = call.guard() else {
            return Err(Error::internal(operation, &self.path, "no lock was given"));
        };
        let held = guard.work(operation, &self.path, &self.lock)?;
        match &*held {
            Some(held) => work(self, held.lock_file()),
            None => Err(Error::internal(operation, &self.path, "the lock is gone")),
        }
    }
}
