//! Makes a new file the journal. This is the only place that does so.
//!
//! The rename is the point of no return. Before it, the journal is the old file with
//! the old generation. After it, the journal is the new file with the new generation.
//! That number follows from the new file's birth time and the old number, so it is the
//! same even before it is recorded. All is synced first, with any durability: other
//! processes have acknowledged records in the old file, and will in the new one.

use std::io;
use std::path::{Path, PathBuf};

use super::draft::{Draft, failed, note, seen};
use super::kept;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::shared::Shared;
use crate::journal::syncs::Epoch;
use crate::lockfile::{self, Before, Generation, Identity, Same};
use crate::oslock::LockFile;
use crate::position::Position;
use crate::recovery::{self, PendingRewrite};
use crate::sys;
use crate::temporary::Temporary;

/// Says what becomes of the old file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Old {
    /// It is deleted.
    Dropped,
    /// It gets a rotated file's name.
    KeptFile,
}

/// Describes a new file that is the journal now.
pub(crate) struct Published {
    /// The new file's end.
    pub end: Position,
    /// The old file's new name.
    pub rotated: Option<PathBuf>,
}

impl Draft {
    /// Makes the new file the journal. After an error the journal is as it was, except
    /// after `NOT_DURABLE`.
    pub fn publish(
        mut self,
        shared: &Shared,
        lock: LockFile<'_>,
        same: Same,
        old: Old,
    ) -> Result<Published> {
        if shared.lock.is_in_place() {
            return self.overwrite(shared, lock, same, old);
        }
        match self.replace(shared, lock, same, old) {
            Ok((generation, rotated)) => {
                record_generation(lock, generation);
                let end = Position {
                    generation: generation.number,
                    offset: self.length(),
                };
                sync_name(shared, self.operation)?;
                Ok(Published { end, rotated })
            }
            Err(error) => {
                self.discard(lock);
                Err(error)
            }
        }
    }

    /// Does all steps up to the rename.
    fn replace(
        &mut self,
        shared: &Shared,
        lock: LockFile<'_>,
        same: Same,
        old: Old,
    ) -> Result<(Generation, Option<PathBuf>)> {
        let (path, operation) = (&shared.path, self.operation);
        let os_error = |error| failed(shared, operation, error);
        self.flush(shared)?;
        let file = &self.temporary.file;
        if self.old.is_some()
            && let Some(like) = sys::metadata(path).map_err(os_error)?
        {
            file.set_attributes(&like).map_err(os_error)?;
        }
        file.sync_all().map_err(os_error)?;
        let by = Identity::of(file).map_err(os_error)?;
        let mut generation = Generation::of(by, Some(self.generation));
        generation.before = self.old.as_ref().map(|_| Before {
            generation: self.generation.number,
            same,
        });
        let mut pending = PendingRewrite {
            by: Some(by),
            number: generation.number,
            same,
            rotated: self.generation.rotated,
        };
        let kept = match (&self.old, old) {
            (Some((data, end)), Old::KeptFile) => {
                // Its writers may not have synced it yet, and none will sync the file
                // under its new name.
                Epoch::now(data)
                    .sync(shared)
                    .map_err(|why| why.before(shared, operation, "the journal is as it was"))?;
                let note = |rotated| {
                    pending.rotated = rotated;
                    note(lock, operation, self.generation, pending)
                };
                let kept = kept::keep(shared, operation, &self.generation, (data, *end), note)?;
                generation.rotated = kept.number;
                Some(kept)
            }
            _ => {
                note(lock, operation, self.generation, pending)?;
                None
            }
        };
        let renamed = self
            .is_current(shared, old)
            .and_then(|()| rename(&self.temporary, path, self.old.is_none()).map_err(os_error));
        if let Err(error) = renamed {
            if let Some(kept) = kept {
                kept.take_back();
            }
            return Err(error);
        }
        Ok((generation, kept.map(|kept| kept.path)))
    }

    /// Checks that the old file is still the journal, as it was. A program that ignores
    /// the lock may have appended to the file, or replaced it. Its bytes must not go
    /// with the old file.
    pub(crate) fn is_current(&self, shared: &Shared, old: Old) -> Result<()> {
        let now = seen(shared, self.operation)?;
        let current = match (&self.old, now) {
            (None, None) => true,
            (Some((data, end)), Some(now)) => {
                now.id == data.identity.id && (now.size == *end || old == Old::KeptFile)
            }
            _ => false,
        };
        if current {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Conflict,
            self.operation,
            &shared.path,
            "a program that does not take the lock has changed the journal meanwhile; it was not \
             rewritten, and is as that program left it",
        ))
    }
}

fn rename(temporary: &Temporary, path: &Path, absent: bool) -> io::Result<()> {
    if !absent {
        return sys::rename(&temporary.path, path);
    }
    match sys::link(&temporary.path, path) {
        Ok(()) => {
            // The journal has two names now. If this fails, a later sweep removes the
            // temporary's.
            let _ = sys::unlink(&temporary.path);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // The file system has no hard links.
        Err(_) => sys::rename(&temporary.path, path),
    }
}

/// Records the new generation. If this fails, the next locker does it.
fn record_generation(lock: LockFile<'_>, generation: Generation) {
    let _ = lock.file().and_then(|file| {
        lockfile::write_generation(file, generation)?;
        recovery::clear_pending(file)
    });
}

fn sync_name(shared: &Shared, operation: &'static str) -> Result<()> {
    sys::sync_parent(&shared.path).map_err(|error| {
        shared.poison();
        Error::os(operation, &shared.path, error)
            .with_kind(ErrorKind::NotDurable)
            .hint(
                "the change is in place, but a power cut may undo it; reopen the journal to go on",
            )
    })
}
