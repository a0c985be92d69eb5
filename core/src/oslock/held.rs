//! The lock while it is held, and its file.

use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use super::caller::{ThreadKey, Within};
use super::process_lock::ProcessLock;
use super::scheme::{Redo, Scheme};
use crate::error::{Error, ErrorKind, Result};
use crate::lockfile::{self, Generation, IDLE};
use crate::sys::File;

/// A lock that is held. Dropping it releases the lock.
pub(crate) struct RawGuard {
    pub(crate) process_lock: Arc<ProcessLock>,
    pub(crate) thread: ThreadKey,
    pub(crate) shared: bool,
    pub(crate) lock_size: u64,
    /// The lock file's permission bits.
    pub(crate) mode: u32,
    pub(crate) redo: Option<Arc<Redo>>,
}

impl RawGuard {
    #[inline]
    pub fn lock_file(&self) -> LockFile<'_> {
        LockFile {
            process_lock: &self.process_lock,
            redo: self.redo.as_deref(),
        }
    }

    /// Returns whether the lock file holds more than the generation.
    pub fn has_pending(&self) -> bool {
        self.lock_size > IDLE
    }

    /// Notes that the pending work is settled.
    pub fn settled(&mut self) {
        self.lock_size = self.lock_size.min(IDLE);
    }

    /// Notes what the holder does under the lock, until it is released.
    pub fn note_work(&self, within: Within) {
        self.process_lock.state().within = Some(within);
    }

    /// Returns whether the lock is on the data itself.
    pub fn is_in_place(&self) -> bool {
        self.redo.is_some()
    }

    pub fn scheme(&self) -> Scheme {
        match self.process_lock.pid_file() {
            Some(_) => Scheme::PidFile,
            None if self.is_in_place() => Scheme::InPlace,
            None => Scheme::Sidecar,
        }
    }

    /// Returns whether this lock belongs to this process, not to the one it was
    /// forked from.
    pub fn is_ours(&self) -> bool {
        self.process_lock.file.is_ours()
    }
}

impl Drop for RawGuard {
    #[inline]
    fn drop(&mut self) {
        // A forked child has no part in the lock. An unlock would free its
        // parent's lock.
        if self.process_lock.file.is_ours() {
            self.process_lock.release(self.thread);
        }
    }
}

/// The lock file of a lock that is held. Its content belongs to the holder. If
/// the lock is on the data itself, `P.redo` takes its place.
#[derive(Clone, Copy)]
pub(crate) struct LockFile<'a> {
    pub(crate) process_lock: &'a Arc<ProcessLock>,
    pub(crate) redo: Option<&'a Redo>,
}

impl<'a> LockFile<'a> {
    /// Returns the file. Creates it if it is missing.
    #[inline]
    pub fn file(&self) -> io::Result<&'a File> {
        match self.redo {
            Some(redo) => redo.file(),
            None => Ok(self.process_lock.file()),
        }
    }

    /// Returns whether the file can be trusted. It must be empty or written by
    /// this library, and by a user who may be believed. Otherwise it serves as
    /// a lock only: its content is ignored, and nothing is written to it.
    pub fn is_ours(&self) -> io::Result<bool> {
        let file = self.file()?;
        let ours = match self.redo {
            Some(_) => lockfile::is_our_redo(file)?,
            None => lockfile::is_ours(file)?,
        };
        Ok(ours && self.is_believed()?)
    }

    /// Returns whether only a user who may be believed can have written the file.
    pub fn is_believed(&self) -> io::Result<bool> {
        self.file()?.may_be_believed(self.target())
    }

    /// Does the same for a caller that is about to write to the file.
    pub fn check_ours(&self, operation: &'static str) -> Result<()> {
        let os_error = |error| Error::os(operation, self.path(), error);
        if self.is_ours().map_err(os_error)? {
            return Ok(());
        }
        let refuse = |kind, why| Err(Error::new(kind, operation, self.path(), why));
        if self.is_believed().map_err(os_error)? {
            return refuse(
                ErrorKind::Corrupt,
                "this was not written by untorn, and is not overwritten; nothing was changed",
            );
        }
        refuse(
            ErrorKind::PermissionDenied,
            "this belongs to a user, or can be written by users, without a right to the file next \
             to it: it is only locked, never written; nothing was changed; while no program uses \
             it, remove it",
        )
    }

    /// Returns the file that the lock file is next to.
    pub fn target(&self) -> &'a Path {
        match self.redo {
            Some(redo) => redo.target(),
            None => &self.process_lock.target,
        }
    }

    /// Returns the generation that the file records; `None` without a trusted
    /// one.
    pub fn generation(&self) -> io::Result<Option<Generation>> {
        // The known size does not count: a rewrite under this lock may have
        // made the file.
        let file = match self.redo {
            Some(redo) => redo.if_there()?,
            None => Some(self.process_lock.file()),
        };
        match file {
            // Read first: usually there is none, and nothing to believe.
            Some(file) => match lockfile::read_generation(file)? {
                Some(recorded) if file.may_be_believed(self.target())? => Ok(Some(recorded)),
                _ => Ok(None),
            },
            None => Ok(None),
        }
    }

    /// Records the generation. Returns `false` if this lock file can't keep
    /// one.
    pub fn record_generation(&self, generation: Generation) -> bool {
        let record = || {
            let ours = self.is_writable() && self.is_ours()?;
            if ours {
                lockfile::write_generation(self.file()?, generation)?;
            }
            Ok::<bool, io::Error>(ours)
        };
        record().unwrap_or(false)
    }

    /// Returns the data itself, if the lock is on it. Other processes can't
    /// write it meanwhile. On some systems, other descriptors of this process
    /// can't either.
    pub fn data(&self) -> Option<&'a File> {
        self.redo.map(|_| self.process_lock.file())
    }

    /// Returns the data for longer than the lock.
    pub fn keep_data(&self) -> Option<LockedData> {
        self.redo.map(|_| LockedData(Arc::clone(self.process_lock)))
    }

    pub fn may_write_data(&self) -> bool {
        self.process_lock.may_be_written()
    }

    /// Returns whether recovery records can be kept.
    pub fn is_writable(&self) -> bool {
        self.redo.is_some() || self.process_lock.may_be_written()
    }

    pub fn path(&self) -> &'a Path {
        match self.redo {
            Some(redo) => redo.path(),
            None => &self.process_lock.lock_path,
        }
    }
}

/// Open data that carries its own lock. It must be changed under the lock only.
pub(crate) struct LockedData(Arc<ProcessLock>);

impl Deref for LockedData {
    type Target = File;

    #[inline]
    fn deref(&self) -> &File {
        self.0.file()
    }
}
