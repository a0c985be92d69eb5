//! Holds a journal's file, open. A handle whose sync failed is poisoned.

use crate::sync::OnceLock;
use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind};
use crate::events::{self, EventKind};
use crate::journal::append::rollback;
use crate::journal::shared::Shared;
use crate::journal::syncs::Syncs;
use crate::lockfile::{self, Generation, IDLE, Identity};
use crate::oslock::{LockFile, LockedData};
use crate::sys::{File, Lasting, Stat};

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

#[cold]
pub(crate) fn no_file(path: &std::path::Path) -> Error {
    Error::internal("append", path, "no file is open")
}
