//! What the system answers where it can't lock, in the words of this library.

use std::path::Path;

use crate::error::{Error, ErrorKind};
use crate::sys;

/// A lock call failed. `writable`: its descriptor can write.
#[cold]
pub(crate) fn refused(
    operation: &'static str,
    lock_path: &Path,
    writable: bool,
    error: std::io::Error,
) -> Error {
    if !sys::is_lock_unsupported(&error) {
        return Error::os(operation, lock_path, error);
    }
    if !writable && sys::is_bad_descriptor(&error) {
        // NFS makes a byte-range lock of it, and that needs a descriptor that
        // can write (man 2 flock).
        return Error::os(operation, lock_path, error)
            .with_kind(ErrorKind::PermissionDenied)
            .hint(
                "on this file system the exclusive lock needs a lock file that can be written; \
                 nothing was changed",
            );
    }
    let on = match sys::file_system(lock_path) {
        Some(name) => format!("this file system ({name})"),
        None => "this file system".to_owned(),
    };
    Error::os(operation, lock_path, error)
        .with_kind(ErrorKind::LockUnsupported)
        .hint(format!(
            "{on} does not lock files, or has no locks to give; nothing was changed; \
             `on_unsupported=\"pid-file\"` makes do with lock files there"
        ))
}
