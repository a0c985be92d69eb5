//! Windows has no fork, and no handle of ours is inherited.

use std::io;

use super::Handle;
use crate::sys::FileId;

pub(in crate::sys) fn handle() {}

pub(crate) struct LockDescriptors;

impl LockDescriptors {
    pub fn open(
        open: impl FnOnce() -> io::Result<(Handle, Option<FileId>)>,
    ) -> io::Result<(Handle, Option<FileId>)> {
        open()
    }
}

pub(in crate::sys) fn notice() {}
