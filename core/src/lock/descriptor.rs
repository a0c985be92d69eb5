//! A descriptor of a lock file, which a forked child must not have.

use std::mem::ManuallyDrop;
use std::ops::Deref;

use crate::fs::{self, File, LockDescriptors};

/// An open lock file that a forked child closes before it does anything.
pub(super) struct Descriptor {
    file: ManuallyDrop<File>,
    born: u32,
}

impl Descriptor {
    pub fn new(file: File) -> Descriptor {
        LockDescriptors::add(&file);
        Descriptor {
            file: ManuallyDrop::new(file),
            born: fs::generation(),
        }
    }

    /// Whether it is of this process, not of the one it was forked from.
    #[inline]
    pub fn is_ours(&self) -> bool {
        self.born == fs::generation()
    }
}

impl Deref for Descriptor {
    type Target = File;

    #[inline]
    fn deref(&self) -> &File {
        &self.file
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // In a forked child it is closed already, and its number may mean
        // another file.
        if self.is_ours() {
            LockDescriptors::remove(&self.file);
            // SAFETY: dropped here and nowhere else.
            unsafe { ManuallyDrop::drop(&mut self.file) };
        }
    }
}
