//! The file that the path means now: open, and whole up to its end.

use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use super::repair;
use super::shared::Shared;
use super::sync::Syncs;
use super::writer::{UNKNOWN, Writer, mend, sync_cut};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Access, File, Stat};
use crate::lock::record::{self, Generation, Identity};
use crate::lock::{LockFile, LockedData};
use crate::rotated;

/// How a journal's file is open.
pub(super) enum Handle {
    ByItself(File),
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
pub(super) struct Data {
    pub file: Handle,
    pub identity: Identity,
    pub generation: u64,
    pub syncs: Syncs,
    /// Whether the directory is known to hold its name durably.
    pub name_synced: AtomicBool,
    /// The same file, to write anywhere in it: opened by the first stamp.
    pub anywhere: OnceLock<File>,
}

impl Data {
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
}

impl Writer {
    /// The file that the path means now, whole, and where it ends; `None` if
    /// there is none, and this handle may make it.
    pub fn current(
        &mut self,
        shared: &Shared,
        operation: &'static str,
        lock: LockFile<'_>,
    ) -> Result<Option<(Arc<Data>, u64)>> {
        let path = &shared.path;
        let stat = fs::stat(path).map_err(|error| Error::os(operation, path, error))?;
        let Some(seen) = stat else {
            if shared.options.create {
                return Ok(None);
            }
            return Err(not_there(path, operation));
        };
        self.open(shared, operation, lock, stat)?;
        self.whole(shared, operation, seen.size)?;
        let data = self.data.as_ref().ok_or_else(|| no_file(path))?;
        Ok(Some((Arc::clone(data), self.end)))
    }

    /// The file that the path means now; `None` if there is none.
    pub fn open_for_sync(&mut self, path: &Path) -> Result<Option<Arc<Data>>> {
        let told = |error| Error::os("sync", path, error);
        let Some(stat) = fs::stat(path).map_err(told)? else {
            return Ok(None);
        };
        if let Some(data) = &self.data
            && data.identity.id == stat.id
        {
            return Ok(Some(Arc::clone(data)));
        }
        // Not kept: only an append, under the lock, may learn a generation.
        let file = File::open(path, Access::Append).map_err(told)?;
        let identity = Identity::of(&file).map_err(told)?;
        Ok(Some(Arc::new(Data {
            file: Handle::ByItself(file),
            identity,
            generation: 0,
            syncs: Syncs::default(),
            name_synced: AtomicBool::new(false),
            anywhere: OnceLock::new(),
        })))
    }

    pub fn close(&mut self) {
        self.data = None;
        self.end = UNKNOWN;
        self.durable_header = None;
        self.cut = false;
        self.checked = false;
    }

    /// Sees to it that `data` is the file that the path means now. `false`: it
    /// has just been made.
    #[inline]
    pub fn open(
        &mut self,
        shared: &Shared,
        operation: &'static str,
        lock: LockFile<'_>,
        stat: Option<Stat>,
    ) -> Result<bool> {
        if let (Some(stat), Some(data)) = (&stat, &self.data)
            && stat.id == data.identity.id
            && (lock.data().is_none() || is_as_it_was(data, operation, lock)?)
        {
            if stat.size != self.end {
                self.cut |= stat.size < self.end && self.end != UNKNOWN;
                self.end = UNKNOWN;
            }
            return Ok(true);
        }
        self.reopen(shared, operation, lock, stat)
    }

    /// The path means another file than it did: it is new, or was deleted,
    /// replaced or rotated.
    #[cold]
    fn reopen(
        &mut self,
        shared: &Shared,
        operation: &'static str,
        lock: LockFile<'_>,
        stat: Option<Stat>,
    ) -> Result<bool> {
        self.close();
        let Shared { path, options, .. } = shared;
        let told = |error| Error::os(operation, path, error);
        let existed = stat.is_some();
        if stat.is_some_and(|stat| !stat.is_file) {
            return Err(Error::invalid_argument(
                operation,
                path,
                "not a regular file",
            ));
        }
        let recorded = lock
            .generation()
            .map_err(|error| Error::os(operation, lock.path(), error))?;
        let mut carried_over = None;
        let file = if let Some(data) = locked_data(path, operation, lock)? {
            Handle::Locked(data)
        } else if existed {
            let opened = record::open(path, Access::Append).map_err(told)?;
            carried_over = opened.carried_over(recorded);
            Handle::ByItself(opened.file)
        } else if options.create {
            let made = File::create_new(path, Access::Append, options.mode);
            Handle::ByItself(made.map_err(told)?)
        } else {
            return Err(not_there(path, operation));
        };
        let identity = Identity::of(&file).map_err(told)?;
        if file.links_and_size().map_err(told)?.0 > 1 {
            // Best effort: the next rotation tries again.
            let _ = rotated::drop_second_name(path, identity);
        }
        let generation = carried_over
            .filter(|generation| lock.record_generation(*generation))
            .unwrap_or_else(|| Generation::of(identity, recorded));
        self.data = Some(Arc::new(Data {
            file,
            identity,
            generation: generation.number,
            syncs: Syncs::default(),
            name_synced: AtomicBool::new(false),
            anywhere: OnceLock::new(),
        }));
        Ok(existed)
    }

    /// Sees to it that the file ends where a record ends, and that `end` is
    /// there: whatever a crash left behind it is dealt with first.
    #[inline]
    pub fn whole(&mut self, shared: &Shared, operation: &'static str, size: u64) -> Result<()> {
        if self.end == UNKNOWN {
            let Shared { path, options, .. } = shared;
            let told = |error| Error::os(operation, path, error);
            let data = self.data.as_ref().ok_or_else(|| no_file(path))?;
            if self.cut {
                sync_cut(shared, data)?;
                self.cut = false;
            }
            // Mostly another process has appended since, and all is well.
            // Sealed: once thoroughly, since there may have been a power cut.
            let quickly = !options.sealed || self.checked;
            let whole = quickly && repair::is_whole(&data.file, size, options).map_err(told)?;
            self.checked = true;
            self.end = if whole {
                size
            } else {
                mend(shared, data)?;
                data.file.size().map_err(told)?
            };
        }
        Ok(())
    }
}

/// Whether a file that keeps its inode has its generation still: a rewrite in
/// place raises it.
fn is_as_it_was(data: &Data, operation: &'static str, lock: LockFile<'_>) -> Result<bool> {
    let recorded = lock
        .generation()
        .map_err(|error| Error::os(operation, lock.path(), error))?;
    Ok(Generation::of(data.identity, recorded).number == data.generation)
}

/// The data by the descriptor of its lock, where the lock is on it.
fn locked_data(
    path: &Path,
    operation: &'static str,
    lock: LockFile<'_>,
) -> Result<Option<LockedData>> {
    if lock.data().is_some() && !lock.may_write_data() {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            operation,
            path,
            "the journal can be read, but not written",
        ));
    }
    Ok(lock.keep_data())
}

#[cold]
pub(super) fn no_file(path: &Path) -> Error {
    Error::internal("append", path, "no file is open")
}

#[cold]
fn not_there(path: &Path, operation: &'static str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        operation,
        path,
        "the journal is not there, and this handle was not to make it",
    )
}
