//! Holds a journal's file, open, and its syncs. A handle whose sync failed is poisoned.
//!
//! One sync serves many: the first caller syncs for all that have written by then, and
//! the others wait for it. Only header stamps sync under the lock.
//!
//! Counting syncs says what is durable. A write is covered by a sync that began after
//! it, and by no other. The offset that a sync has reached says nothing: a file can
//! shrink and grow again, or change in its middle.

use crate::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind};
use crate::events::{self, EventKind};
use crate::journal::append::rollback;
use crate::journal::shared::Shared;
use crate::lockfile::{self, Generation, IDLE, Identity};
use crate::oslock::{LockFile, LockedData};
use crate::sys::{self, Access, File, Lasting, Stat};

/// Says how a journal's file is open.
pub(crate) enum Handle {
    ByItself(Lasting),
    /// By the descriptor that carries its lock.
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

/// Is a file that the path once meant, open for appending.
pub(crate) struct Data {
    pub file: Handle,
    pub identity: Identity,
    pub generation: u64,
    pub syncs: Syncs,
    /// Whether the directory is known to hold its name durably.
    pub name_synced: AtomicBool,
    /// The same file, open for writes at any place. The first stamp opens it.
    pub anywhere: OnceLock<Lasting>,
}

impl Data {
    /// Returns whether the file is still open: the program may have closed the
    /// descriptor without our knowledge. A descriptor that carries the lock was checked
    /// when the lock was taken.
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

    /// Looks at the open file. Returns `None` if that does not suffice, and its name must
    /// be looked at.
    #[inline]
    pub fn look(&self) -> io::Result<Option<Stat>> {
        let Handle::ByItself(file) = &self.file else {
            return Ok(None);
        };
        // Of several names, the journal's may be gone.
        Ok(file.look()?.filter(|seen| seen.links == 1))
    }

    /// Returns whether the lock file says that this is the journal. Each rewrite records
    /// its file there. `size`: its size now. Another program's lock file needs no
    /// check of its own: with one there are no rewrites.
    #[inline]
    pub fn is_the_journal(&self, lock: LockFile<'_>, size: u64) -> bool {
        match size {
            0 => true,
            IDLE => matches!(
                lock.file().and_then(lockfile::read_generation),
                Ok(Some(recorded))
                    if recorded.of == self.identity && recorded.number == self.generation
            ),
            _ => false,
        }
    }

    /// Returns the generation that the lock file must name next, if it names `recorded`
    /// now.
    pub fn generation_now(&self, recorded: Option<Generation>) -> Generation {
        let mut generation = Generation::of(self.identity, recorded);
        if recorded.is_none_or(|recorded| recorded.of != self.identity) {
            // Another program deleted the lock file. Positions that callers have must
            // stay true.
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

/// Counts the syncs of one file through one handle.
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

/// Says what a sync must cover: all that was in a file at one moment.
#[derive(Clone)]
pub(crate) struct Epoch {
    data: Arc<Data>,
    /// How many syncs had begun by that moment.
    begun: u64,
}

/// Says why something may not be durable. The handle is poisoned.
pub(crate) enum Unsynced {
    Failed(io::Error),
    /// Another thread's sync failed, and that thread got the system's error.
    Elsewhere,
}

impl Epoch {
    /// Covers all that is in the file now. Must be taken after the write, and under the
    /// lock.
    pub fn now(data: &Arc<Data>) -> Epoch {
        Epoch {
            data: Arc::clone(data),
            begun: data.syncs.lock().begun,
        }
    }

    /// Returns when the bytes and the file's name are durable on disk.
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
            // Linux reports a failed write-back once and then marks the pages clean. A
            // second try would succeed without writing them.
            Err(_) => shared.poison(),
        }
        drop(state);
        syncs.changed.notify_all();
        result.map_err(Unsynced::Failed)
    }
}

impl Shared {
    /// Fails if the handle is closed or poisoned.
    #[inline]
    pub fn usable(&self, operation: &'static str) -> std::result::Result<(), Error> {
        if self.closed.load(Ordering::Relaxed) || self.is_poisoned() {
            return Err(self.unusable(operation));
        }
        Ok(())
    }

    /// Fails if the handle is closed. A poisoned one still reads: what it wrote is in
    /// the file, for all who read.
    pub fn open_to_read(&self, operation: &'static str) -> std::result::Result<(), Error> {
        if self.closed.load(Ordering::Relaxed) {
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
        if !self.poisoned.swap(true, Ordering::AcqRel) {
            events::emit(EventKind::Poisoned, "sync", &self.path, |_| {});
        }
    }
}

impl Syncs {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sync_file(shared: &Shared, data: &Data) -> io::Result<()> {
    data.file.sync_data()?;
    // Once a handle: another process may have made the file without syncing its name.
    if !data.name_synced.load(Ordering::Acquire) {
        sys::sync_parent(&shared.path)?;
        data.name_synced.store(true, Ordering::Release);
    }
    Ok(())
}

/// Makes durable what the lock file says. It has noted changes that are over, and the
/// disk may still have the note of one, for instance of a header stamp that failed. A
/// power cut would bring that note back. The next locker would then settle the change
/// once more, over what has been synced since.
pub(crate) fn sync_notes(shared: &Shared) -> std::result::Result<(), Unsynced> {
    let path = shared.lock.record_path();
    let sync = || match File::open_believed_to(path, Access::TO_SYNC, &shared.path)? {
        Some(lock) => lock.sync_data(),
        // A lock file that no locker believes is never settled.
        None => Ok(()),
    };
    sync().map_err(|error| {
        shared.poison();
        Unsynced::Failed(error)
    })
}

impl Unsynced {
    /// Returns the error of a change that is made; `done` names the change.
    pub fn after(self, shared: &Shared, operation: &'static str, done: &str) -> Error {
        self.os_error(shared, operation)
            .with_kind(ErrorKind::NotDurable)
            .hint(format!(
                "{done}, but a power cut may lose it; reopen the journal to go on"
            ))
    }

    /// Returns the error of a change that this prevented. `NOT_DURABLE` would say that
    /// it is made.
    pub fn before(self, shared: &Shared, operation: &'static str, undone: &str) -> Error {
        self.os_error(shared, operation).hint(format!(
            "{undone}; records that are in it already may not be durable, so reopen the journal to \
             go on"
        ))
    }

    fn os_error(self, shared: &Shared, operation: &'static str) -> Error {
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
