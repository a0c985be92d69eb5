//! The lock file as its holder writes it.

use std::sync::atomic::Ordering;

use super::process_lock::ProcessLock;
use crate::sync::OnceLock;
use crate::sys::File;

impl ProcessLock {
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
