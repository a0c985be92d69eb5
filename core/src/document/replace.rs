//! Writes the new file and renames it into place.

use std::io;
use std::path::Path;

use super::DocumentOptions;
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::sys;
use crate::temporary::{Rights, Temporary};

/// Replaces the document, under its lock. With `absent` it must not exist, even
/// if a program that takes no lock has created it.
pub(super) fn replace(
    path: &Path,
    bytes: &[u8],
    options: &DocumentOptions,
    absent: bool,
) -> Result<()> {
    let os_error = |error| failed(path, error);
    let like = sys::metadata(path).map_err(os_error)?;
    let rights = Rights::of(like.as_ref(), options.mode);
    let temporary = Temporary::create(path, rights).map_err(os_error)?;
    let written = write(&temporary, bytes, rights, options.durability)
        .and_then(|()| publish(&temporary, path, absent));
    if let Err(error) = written {
        temporary.discard();
        return Err(failed(path, error));
    }
    if options.durability == Durability::Power {
        sync_name(path, "save")?;
    }
    Ok(())
}

fn write(
    temporary: &Temporary,
    bytes: &[u8],
    rights: Rights<'_>,
    durability: Durability,
) -> io::Result<()> {
    temporary.file.write_all_at(bytes, 0)?;
    // Before the sync, so that the sync covers the rights.
    rights.complete(&temporary.file)?;
    // Before the rename: else a power cut may leave the new name with NULs.
    if durability == Durability::Power {
        temporary.file.sync_all()?;
    }
    Ok(())
}

fn publish(temporary: &Temporary, path: &Path, absent: bool) -> io::Result<()> {
    if !absent {
        return sys::rename(&temporary.path, path);
    }
    match sys::link(&temporary.path, path) {
        Ok(()) => {
            // The document has two names now, and this one is not wanted. If the
            // unlink fails, a sweep removes the name later.
            let _ = sys::unlink(&temporary.path);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // A file system without hard links. Under the lock, the document was
        // missing a moment ago.
        Err(_) => sys::rename(&temporary.path, path),
    }
}

/// Removes the document, under its lock. Returns `false` if it was missing.
pub(super) fn remove(path: &Path, durability: Durability) -> Result<bool> {
    match sys::unlink(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        result => result.map_err(|error| Error::os("remove", path, error))?,
    }
    if durability == Durability::Power {
        sync_name(path, "remove")?;
    }
    Ok(true)
}

fn sync_name(path: &Path, operation: &'static str) -> Result<()> {
    sys::sync_parent(path).map_err(|error| {
        Error::os(operation, path, error)
            .with_kind(ErrorKind::NotDurable)
            .hint("the change is in place, but a power cut may undo it")
    })
}

#[cold]
fn failed(path: &Path, error: io::Error) -> Error {
    let no_rights = sys::Named::of(&error).is_some();
    let mounted = error.kind() == io::ErrorKind::ResourceBusy;
    let made = Error::os("save", path, error);
    let hint = match made.kind() {
        _ if mounted => {
            "the document is a mount point, as a single file mounted into a container is, so no \
             new file can take its name: open it with the scheme in-place, or mount its directory; \
             the document is as it was"
        }
        _ if no_rights => {
            "the new file must have the rights of the old one, and the file system refuses to set \
             them; the document is as it was"
        }
        ErrorKind::PermissionDenied => {
            "the directory must be writable, since the new file is created there and then \
             renamed; the document is as it was"
        }
        ErrorKind::AlreadyExists => "the document already exists; nothing was changed",
        _ => "the document is as it was",
    };
    made.hint(hint)
}
