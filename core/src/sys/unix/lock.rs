//! The locks of files, and what their errors mean.

use std::io;

use super::Handle;

/// Does nothing: a lock here stops only lockers.
pub(in crate::sys) fn aside(_: &mut Handle) {}

#[cfg(not(untorn_interleaved))]
pub(in crate::sys) use super::file::flock::{lock, try_lock, unlock};
#[cfg(untorn_interleaved)]
pub(in crate::sys) use crate::sys::interleaved::{lock, try_lock, unlock};

/// Returns whether the error means that another process has the lock. A
/// byte-range lock may say so (man 2 fcntl), and NFS and SMB make one of an
/// flock.
pub(in crate::sys) fn is_held_elsewhere(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EACCES)
}

pub(in crate::sys) fn is_without_locks(error: &io::Error) -> bool {
    is_one_of(error, &NO_LOCKS)
}

/// On macOS the second and the third differ, and flock answers ENOTSUP (man 2 flock there). On the
/// BSDs it answers EOPNOTSUPP.
const NO_LOCKS: [i32; 4] = [libc::ENOSYS, libc::ENOTSUP, libc::EOPNOTSUPP, libc::EINVAL];

fn is_one_of(error: &io::Error, codes: &[i32]) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}

pub(in crate::sys) fn is_bad_descriptor(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EBADF)
}

/// Returns whether the file system can't lock. File systems say it in many
/// ways: no such call, not for this file, no locks left, a descriptor that
/// can't be locked (NFS), or nonsense.
pub(in crate::sys) fn is_unsupported(error: &io::Error) -> bool {
    is_without_locks(error) || is_one_of(error, &[libc::ENOLCK, libc::EBADF])
}
