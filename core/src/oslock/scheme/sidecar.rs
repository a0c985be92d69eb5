//! The sidecar scheme: the lock of `P` is an flock on `P.lock`.
//!
//! Never the data file itself: a rename moves the name and not the lock, on SMB
//! and Windows a lock stops readers, and an append-only handle can't be locked
//! there. The lock file is never unlinked by us and never judged stale. Others
//! do unlink such files, so whoever has the lock looks whether its file still
//! has a name.

use std::io;
use std::path::{Path, PathBuf};

use crate::beside;
use crate::sys::{Access, Descriptor};

/// `P.lock`.
pub(crate) fn lock_path(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Opens the lock file, made on first use: with the rights of the file, or the
/// mode that it will have.
///
/// First without O_CREAT, which in a sticky directory fails on another user's
/// file (`fs.protected_regular`, man 5 proc). Read-only where it can't be
/// written: that is enough to lock, though not for recovery records.
pub(crate) fn open(
    target: &Path,
    lock_path: &Path,
    mode: Option<u32>,
) -> io::Result<(Descriptor, bool)> {
    loop {
        match Descriptor::open_beside(lock_path, Access::Write) {
            Ok(file) => {
                // What it says is acted upon.
                file.narrow_rights(target);
                return Ok((file, true));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                return Descriptor::open_beside(lock_path, Access::Read).map(|file| (file, false));
            }
            Err(error) => return Err(error),
        }
        // Whoever may write the file must be able to lock it.
        match beside::make(lock_path, target, mode) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
}
