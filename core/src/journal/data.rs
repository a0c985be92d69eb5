//! A journal's file, open, and its syncs.
//!
//! One sync for many: whoever comes first syncs for all that have written by
//! then, and the others wait for it. Never under the lock, but for header stamps.
//!
//! What is durable is told by counting syncs: a write is covered by a sync that
//! began after it, and by no other. How far into the file a sync has reached
//! says nothing: a file can shrink and grow again, and be changed in its middle.

use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::error::{Error, ErrorKind};
use crate::journal::append::rollback;
use crate::journal::shared::Shared;
use crate::lockfile::{Generation, Identity};
use crate::oslock::LockedData;
use crate::sys::{self, File, Lasting};

/// How a journal's file is open.
pub(crate) enum Handle {
    ByItself(Lasting),
    /// By the descriptor that it is locked by.
    Locked(LockedData),
}

impl Deref for Handle {
    type Target = File;

    #[inline]
    fn deref(&self) -> &File {
        match self {
            Handle::ByItself(file) => file,
            Handle::Locked(data) => data,
        }
    }
}

/// A file that the path meant once, open for appending.
pub(crate) struct Data {
    pub file: Handle,
    pub identity: Identity,
    pub generation: u64,
    pub syncs: Syncs,
    /// Whether the directory is known to hold its name durably.
    pub name_synced: AtomicBool,
    /// The same file, to write anywhere in it: opened by the first stamp.
    pub anywhere: OnceLock<Lasting>,
}

impl Data {
    /// Whether it is open still: the program may have closed it behind our back. What
    /// it is locked by was asked as it was locked.
    #[inline]
    pub fn is_itself(&self) -> io::Result<bool> {
        let file = match &self.file {
            Handle::ByItself(file) => file.is_itself()?,
            Handle::Locked(_) => true,
        };
        match self.anywhere.get() {
            Some(anywhere) if file => anywhere.is_itself(),
            _ => Ok(file),
        }
    }

    /// What a lock file that says this is to say of the journal.
    pub fn generation_now(&self, recorded: Option<Generation>) -> Generation {
        let mut generation = Generation::of(self.identity, recorded);
        if recorded.is_none_or(|recorded| recorded.of != self.identity) {
            // Somebody deleted the lock file: what we told callers must stay
            // true.
            generation.number = self.generation;
        }
        generation
    }

    /// Writes at the end, in one call if the system takes it all.
    #[inline]
    pub fn append(
        &self,
        end: u64,
        lines: &[u8],
    ) -> std::result::Result<(), (io::Error, io::Result<()>)> {
        match self.file.append(lines) {
            Ok(n) if n == lines.len() => Ok(()),
            Ok(n) => rollback::write_rest(&self.file, end, lines, n),
            // Nothing was written.
            Err(error) => Err((error, Ok(()))),
        }
    }
}

/// The syncs of one file, through one handle.
#[derive(Default)]
pub(crate) struct Syncs {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: bool,
    /// How many have begun.
    begun: u64,
    /// The number of the last that succeeded.
    done: u64,
}

/// What a sync has to cover: all that was in a file at one moment.
#[derive(Clone)]
pub(crate) struct Epoch {
    data: Arc<Data>,
    /// How many syncs had begun by then.
    begun: u64,
}

/// Why something may not be on the medium. The handle is poisoned.
pub(crate) enum Unsynced {
    Failed(io::Error),
    /// Another thread's sync failed, and it was told how.
    Elsewhere,
}

impl Epoch {
    /// All that is in the file now. To be taken after the write, and under the
    /// lock.
    pub fn now(data: &Arc<Data>) -> Epoch {
        Epoch {
            data: Arc::clone(data),
            begun: data.syncs.lock().begun,
        }
    }

    /// Returns when it is on the medium, with the file's name.
    pub fn sync(&self, shared: &Shared) -> std::result::Result<(), Unsynced> {
        let syncs = &self.data.syncs;
        let mut state = syncs.lock();
        loop {
            if shared.is_poisoned() {
                return Err(Unsynced::Elsewhere);
            }
            if state.done > self.begun {
                return Ok(());
            }
            if !state.running {
                break;
            }
            state = syncs
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.running = true;
        state.begun += 1;
        let number = state.begun;
        drop(state);
        let result = sync_file(shared, &self.data);
        let mut state = syncs.lock();
        state.running = false;
        match &result {
            Ok(()) => state.done = number,
            // Linux reports a failed write-back once and then calls the pages
            // clean: to try again would be to lie.
            Err(_) => shared.poison(),
        }
        drop(state);
        syncs.changed.notify_all();
        result.map_err(Unsynced::Failed)
    }
}

impl Syncs {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sync_file(shared: &Shared, data: &Data) -> io::Result<()> {
    data.file.sync_data()?;
    // Once: another process may have made the file without syncing its name.
    if !data.name_synced.load(Ordering::Acquire) {
        sys::sync_parent(&shared.path)?;
        data.name_synced.store(true, Ordering::Release);
    }
    Ok(())
}

impl Unsynced {
    /// For what is done: `done` says so.
    pub fn after(self, shared: &Shared, operation: &'static str, done: &str) -> Error {
        self.told(shared, operation)
            .with_kind(ErrorKind::NotDurable)
            .hint(format!(
                "{done}, but a power cut may lose it; reopen the journal to go on"
            ))
    }

    /// For what is not done because of it: `NOT_DURABLE` would say that it is.
    pub fn before(self, shared: &Shared, operation: &'static str, undone: &str) -> Error {
        self.told(shared, operation).hint(format!(
            "{undone}; records that are in it already may not be durable, so reopen the journal to \
             go on"
        ))
    }

    fn told(self, shared: &Shared, operation: &'static str) -> Error {
        match self {
            Unsynced::Failed(error) => Error::os(operation, &shared.path, error),
            Unsynced::Elsewhere => Error::new(
                ErrorKind::Io,
                operation,
                &shared.path,
                "another thread's sync failed",
            ),
        }
    }
}

#[cold]
pub(crate) fn no_file(path: &std::path::Path) -> Error {
    Error::internal("append", path, "no file is open")
}
