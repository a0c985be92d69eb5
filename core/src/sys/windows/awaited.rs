//! The mark that somebody waits for the exclusive lock of a file: not here, where
//! the system itself decides who of those that wait is the next.

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
