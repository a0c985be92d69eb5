//! What the users of one journal handle share.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::JournalOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::holder::Holder;
use crate::journal::append::Rules;
use crate::journal::append::Writer;
use crate::journal::append::group_commit::Queue;
use crate::journal::follow::Followers;
use crate::lock::Call;
use crate::oslock::PathLock;
use crate::oslock::{AtHand, LockFile};
use crate::sys::PerProcess;

pub(crate) struct Shared {
    /// Resolved: no symbolic link in it.
    pub path: PathBuf,
    pub options: JournalOptions,
    pub rules: Arc<Rules>,
    pub lock: PathLock,
    closed: AtomicBool,
    poisoned: AtomicBool,
    local: PerProcess<Local>,
}

/// What a forked child makes anew.
pub(crate) struct Local {
    pub queue: Queue,
    /// Why the one that leads has to wait for the lock. Changed only with the
    /// queue's mutex held.
    pub held_up: Mutex<Option<Error>>,
    pub desk: Mutex<Desk>,
    pub followers: Followers,
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

impl Shared {
    pub fn new(path: PathBuf, options: JournalOptions) -> Result<Shared> {
        let lock = PathLock::of("open", &path, &options.choice, options.create, options.mode)?
            .in_home(options.home.clone());
        Ok(Shared {
            rules: Arc::new(Rules {
                path: path.clone(),
                format: options.format,
                max_record: options.max_record,
                header_prefix: options.header_prefix.clone(),
                sealed: options.sealed,
            }),
            lock,
            path,
            options,
            closed: AtomicBool::new(false),
            poisoned: AtomicBool::new(false),
            local: PerProcess::new(),
        })
    }

    #[inline]
    pub fn local(&self) -> &Local {
        self.local.get(|| Local {
            queue: Queue::default(),
            held_up: Mutex::new(None),
            desk: Mutex::new(Desk {
                writer: Writer::new(),
                lock: AtHand::default(),
            }),
            followers: Followers::default(),
        })
    }

    pub fn desk(&self) -> AtDesk<'_> {
        let desk = self.local().desk.lock();
        AtDesk {
            shared: self,
            desk: desk.unwrap_or_else(PoisonError::into_inner),
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

    /// Who has the lock, as far as it can be known. Reads files.
    #[cold]
    pub fn holder(&self) -> Option<Holder> {
        crate::lock::holder(&self.path).ok().flatten()
    }

    /// Not closed, not poisoned.
    #[inline]
    pub fn usable(&self, operation: &'static str) -> Result<()> {
        if self.closed.load(Ordering::Relaxed) || self.is_poisoned() {
            return Err(self.unusable(operation));
        }
        Ok(())
    }

    #[cold]
    fn unusable(&self, operation: &'static str) -> Error {
        if self.closed.load(Ordering::Relaxed) {
            return Error::invalid_argument(operation, &self.path, "the journal is closed");
        }
        Error::new(
            ErrorKind::Poisoned,
            operation,
            &self.path,
            "an earlier sync on this handle failed, so what it wrote before may not be durable; \
             open the journal again",
        )
    }

    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    pub fn poison(&self) {
        self.poisoned.store(true, Ordering::Release);
    }

    /// What is open is closed: at once, or, by those who are at work with it,
    /// when they have done.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.local().followers.wake();
        self.lock.close();
        drop(self.desk());
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
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
        work: impl FnOnce(&Shared, LockFile<'_>) -> Result<T>,
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
