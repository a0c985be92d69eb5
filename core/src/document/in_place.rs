//! Documents that carry their own lock. `P` keeps its inode, so a save overwrites
//! it. `P.redo` makes the overwrite all or nothing.
//!
//! An empty file counts as a missing document. A process that locks a missing `P`
//! must create it. `P` is never unlinked: the waiters for its lock would then
//! lock a file without a name, while others lock the next `P`.

use std::io;
use std::path::Path;

use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::lockfile::Same;
use crate::oslock::{LockFile, PathLock};
use crate::recovery::overwrite::{self, Change, Content};

/// Reads the document without its lock; `None` if it is missing.
pub(super) fn load(path: &Path, lock: &PathLock) -> Result<Option<Vec<u8>>> {
    overwrite::read_document(path, || match lock.open_data(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result?.read_all().map(Some),
    })
    .map_err(|error| Error::os("load", path, error))
}

/// Reads the document under its lock, by the lock's descriptor; `None` if it is
/// missing.
pub(super) fn read(
    operation: &'static str,
    path: &Path,
    lock: LockFile<'_>,
) -> Result<Option<Vec<u8>>> {
    let Some(data) = lock.data() else {
        return Err(Error::internal(operation, path, "its lock is elsewhere"));
    };
    let bytes = data
        .read_all()
        .map_err(|error| Error::os(operation, path, error))?;
    Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
}

/// Overwrites the old bytes with the new ones. The caller has read the old bytes
/// under this lock.
pub(super) fn save(
    path: &Path,
    lock: LockFile<'_>,
    old: &[u8],
    new: &[u8],
    durability: Durability,
) -> Result<()> {
    if new.is_empty() {
        return Err(Error::invalid_argument(
            "save",
            path,
            "in the scheme in-place an empty file counts as a missing document; remove the \
             document instead",
        ));
    }
    overwrite("save", path, lock, old, new, durability)
}

/// Empties the file.
pub(super) fn remove(
    path: &Path,
    lock: LockFile<'_>,
    old: &[u8],
    durability: Durability,
) -> Result<()> {
    overwrite("remove", path, lock, old, &[], durability)
}

fn overwrite(
    operation: &'static str,
    path: &Path,
    lock: LockFile<'_>,
    old: &[u8],
    new: &[u8],
    durability: Durability,
) -> Result<()> {
    if old != new {
        let change = Change {
            from: 0,
            old: Content::Memory(old),
            new: Content::Memory(new),
            same: Same::Prefix(0),
            rotated: None,
        };
        return overwrite::overwrite(operation, path, lock, &change, durability).map(drop);
    }
    // Another program may have written these bytes without a sync.
    match lock.data() {
        Some(data) if durability == Durability::Power => data
            .sync_data()
            .map_err(|error| Error::os(operation, path, error).with_kind(ErrorKind::NotDurable)),
        _ => Ok(()),
    }
}
