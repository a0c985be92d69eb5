//! Waits for a file's lock, and the mark that it is awaited.

use std::io;

use super::File;
use crate::sys::seam::{Op, announce, pretends};
use crate::sys::sys;

impl File {
    /// Blocks in the kernel. May return `Interrupted`.
    pub fn lock(&self, shared: bool) -> io::Result<()> {
        announce(Op::Lock, self.name())?;
        if pretends(Op::Lock) {
            return Ok(());
        }
        sys::lock::lock(&self.handle, shared)
    }

    /// Returns whether the file system has a place for [`File::set_awaited`].
    pub fn keeps_marks(&self) -> bool {
        announce(Op::Lock, self.name()).is_ok()
            && !pretends(Op::Lock)
            && sys::awaited::keeps_marks(&self.handle)
    }

    /// Shows sharers in other processes that the exclusive lock is waited for.
    /// The mark lasts until it is removed or this descriptor is closed. Best
    /// effort.
    pub fn set_awaited(&self, on: bool) {
        if announce(Op::Lock, self.name()).is_ok() {
            let _ = sys::awaited::mark(&self.handle, on);
        }
    }

    /// Returns whether another descriptor is so marked.
    pub fn is_awaited(&self) -> bool {
        announce(Op::Lock, self.name()).is_ok()
            && sys::awaited::is_marked(&self.handle).unwrap_or(false)
    }
}
