//! Documents that carry their own lock: `P` keeps its inode, so it is
//! overwritten, with `P.redo` to make that all or nothing.
//!
//! An empty file is a document that is not there. Whoever locks `P` before it
//! is there has to make it, and it can't be removed either: those who wait for
//! its lock would then have a lock on nothing, beside whoever locks the next `P`.

use std::io;
use std::path::Path;

use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::lockfile::Same;
use crate::oslock::LockFile;
use crate::recovery::overwrite::{self, Change, Content};
use crate::sys::{Access, File};

/// Without the lock. `None` if it is not there.
pub(super) fn load(path: &Path) -> Result<Option<Vec<u8>>> {
    overwrite::read_document(path, || match File::open(path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result?.read_all().map(Some),
    })
    .map_err(|error| Error::os("load", path, error))
}

/// Under the lock, and by its descriptor. `None` if it is not there.
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

/// Saves the bytes over the old ones, which the caller has read under this
/// lock.
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
            "in the scheme in-place an empty file is a document that is not there; remove it \
             instead",
        ));
    }
    overwrite("save", path, lock, old, new, durability)
}

/// Empties it.
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
    // It may have been saved by a program that does not sync.
    match lock.data() {
        Some(data) if durability == Durability::Power => data
            .sync_data()
            .map_err(|error| Error::os(operation, path, error).with_kind(ErrorKind::NotDurable)),
        _ => Ok(()),
    }
}
