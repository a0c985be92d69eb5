//! The lock file: whether it is still open, and its content, which the holder writes.

use std::io;
use std::sync::atomic::Ordering;

use super::process_lock::ProcessLock;
use super::waiter::AcquireError;
use crate::sync::OnceLock;
use crate::sys::File;

impl ProcessLock {
    /// Returns whether the lock file is still open. A program can close a
    /// library's descriptor. A lock on the next file with that number excludes
    /// no process.
    #[inline]
    pub fn is_itself(&self) -> io::Result<bool> {
        match self.writer.get() {
            Some(writer) if self.file.is_itself()? => writer.is_itself(),
            Some(_) => Ok(false),
            None => self.file.is_itself(),
        }
    }

    /// Does the same, with the error for a caller that takes the lock.
    #[inline]
    pub(super) fn check_itself(&self) -> Result<(), AcquireError> {
        if self.fresh.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        match self.is_itself() {
            Ok(true) => Ok(()),
            Ok(false) => Err(AcquireError::System(gone())),
            Err(error) => Err(AcquireError::System(error)),
        }
    }

    /// Returns the lock file. Its content belongs to the holder of the lock. It
    /// is this same descriptor, since on Windows a lock stops the others.
    #[inline]
    pub fn file(&self) -> &File {
        match self.writer.get() {
            Some(writer) if !self.writable => writer,
            _ => self.locked(),
        }
    }

    /// Returns whether its content can be written now. The rights may have come
    /// after it was opened: the maker of a lock file sets them a moment later.
    pub fn may_be_written(&self) -> bool {
        if self.writable || self.writer.get().is_some() {
            return true;
        }
        // On Windows only the descriptor that holds the lock can write.
        if cfg!(windows) {
            return false;
        }
        let Some(writer) = self.file.open_to_write(&self.lock_path, self.access) else {
            return false;
        };
        writer.narrow_rights(&self.target);
        self.writer.get_or_init(|| writer);
        true
    }

    /// Returns the descriptor that holds the lock.
    pub fn locked(&self) -> &File {
        let by = usize::from(self.by.load(Ordering::Relaxed));
        match self.waiting.get(by).and_then(OnceLock::get) {
            Some(waiting) => waiting,
            None => &self.file,
        }
    }
}

/// The error for a lock file that lost its name. The caller then opens the file
/// that has the name now.
pub(super) fn gone() -> io::Error {
    io::ErrorKind::StaleNetworkFileHandle.into()
}
