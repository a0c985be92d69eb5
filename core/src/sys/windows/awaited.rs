//! The mark that a process waits for the exclusive lock of a file. Windows
//! needs none: the system itself decides which waiter is next.

use std::io;

use super::Handle;

pub(in crate::sys) fn keeps_marks(_: &Handle) -> bool {
    false
}

pub(in crate::sys) fn mark(_: &Handle, _: bool) -> io::Result<()> {
    Ok(())
}

pub(in crate::sys) fn is_marked(_: &Handle) -> io::Result<bool> {
    Ok(false)
}
