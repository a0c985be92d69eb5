//! The sidecar scheme: the lock of `P` is an flock on `P.lock`.
//!
//! The lock is never on the data file itself, for three reasons. A rename moves
//! the name and not the lock. On SMB and Windows a lock stops readers. An
//! append-only handle can't be locked there. This library never unlinks the
//! lock file and never judges it stale. Others do unlink such files, so each
//! holder checks that its file still has a name.

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

/// Opens the lock file, which is made on first use. It gets the rights of the
/// file, or the mode that the file will have.
///
/// The first open is without O_CREAT, which in a sticky directory fails on
/// another user's file (`fs.protected_regular`, man 5 proc). A file that can't
/// be written is opened read-only. That suffices to lock, though not for
/// recovery records.
pub(crate) fn open(
    target: &Path,
    lock_path: &Path,
    mode: Option<u32>,
) -> io::Result<(Descriptor, bool)> {
    loop {
        match Descriptor::open_beside(lock_path, Access::Write) {
            Ok(file) => {
                // Its content is acted upon.
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
        // Each user that may write the file must be able to lock it.
        match beside::make(lock_path, target, mode) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
}
