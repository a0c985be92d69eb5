//! Makes the changes of a committed transaction, or undoes those of an
//! uncommitted one. Both can start again at any point: a process that dies
//! midway leaves the rest to the next.
//!
//! All of it happens under the locks of every file that changes.

use std::io;
use std::path::Path;

use super::appends::{Remains, Unsynced, Whose, append, open, remains};
use super::change::Action;
use super::manifest::Manifest;
use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::lockfile::Identity;
use crate::sys::{self, Access, File};
use crate::torn;

/// Makes all the changes, some of which may be made already.
pub(crate) fn apply(dir: &Path, manifest: &Manifest, whose: Whose) -> Result<Unsynced> {
    let appended = append(dir, manifest, whose)?;
    create(dir, manifest, whose)?;
    Ok(appended.or(rename(dir, manifest, whose)?))
}

/// The reason for contents that did not get their name.
const NOT_CREATED: &str = "committed by a transaction whose process died; \
     before it was finished, another program made a file of this name";

/// Gives each new file its name, which must be free. No process sees it before
/// the commit. Until a name has changed, [`undo`] can remove it again.
pub(crate) fn create(dir: &Path, manifest: &Manifest, whose: Whose) -> Result<()> {
    for (n, change, _) in manifest.each() {
        if let Action::Create { length, checksum } = change.action {
            let path = dir.join(&change.name);
            let temporary = manifest.temporary(dir, n);
            create_one(&temporary, &path, whose, (length, checksum))
                .map_err(|error| Error::os("commit", &path, error))?;
        }
    }
    Ok(())
}

fn create_one(temporary: &Path, path: &Path, whose: Whose, wanted: (u64, u32)) -> io::Result<()> {
    if whose == Whose::Dead && !is_whole(temporary, wanted)? {
        // It was done, and the temporary is gone; or see `is_whole`.
        return Ok(());
    }
    match link(temporary, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && whose == Whose::Dead => {
            if sys::same_file(temporary, path)? {
                return Ok(());
            }
            // No caller got a report that it is made, and the files of others
            // stay.
            let file = File::open_beside(temporary, Access::Read)?;
            torn::set_aside(path, 0, &file.read_all()?, NOT_CREATED)
        }
        result => result,
    }
}

/// Makes a second name for the new contents, if the name is free.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    match sys::link(from, to) {
        // A file system without hard links says EPERM. Then the file is renamed
        // with the others, if the name is still free (to those that take the
        // lock it is).
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported
            ) =>
        {
            match sys::stat(to)? {
                None => Ok(()),
                Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
            }
        }
        result => result,
    }
}

/// Puts the other new contents in place and removes the files of `Remove`
/// changes.
pub(crate) fn rename(dir: &Path, manifest: &Manifest, whose: Whose) -> Result<Unsynced> {
    let mut last = None;
    for (n, change, _) in manifest.each() {
        let path = dir.join(&change.name);
        let temporary = manifest.temporary(dir, n);
        match change.action {
            Action::Append { .. } => continue,
            Action::Remove { of } => remove(&path, of),
            Action::Save { length, checksum } => put(&temporary, &path, whose, (length, checksum)),
            // It has its name, except on a file system without hard links.
            Action::Create { length, checksum } => match sys::stat(&path) {
                Ok(None) => put(&temporary, &path, whose, (length, checksum)),
                result => result.map(drop),
            },
        }
        .map_err(|error| Error::os("commit", &path, error))?;
        last = Some(path);
    }
    // One sync covers all: they are in one directory.
    let synced = match &last {
        Some(path) if manifest.durability == Durability::Power => sys::sync_parent(path),
        _ => Ok(()),
    };
    // Only now. Otherwise a power cut could take the one name without bringing
    // the other.
    for (n, change, _) in manifest.each() {
        if matches!(change.action, Action::Create { .. }) {
            let temporary = manifest.temporary(dir, n);
            unlink(&temporary).map_err(|error| Error::os("commit", &temporary, error))?;
        }
    }
    Ok(synced.err().map(|error| Error::os("commit", dir, error)))
}

fn put(temporary: &Path, path: &Path, whose: Whose, wanted: (u64, u32)) -> io::Result<()> {
    if whose == Whose::Dead && !is_whole(temporary, wanted)? {
        return Ok(());
    }
    match sys::rename(temporary, path) {
        // A process that has died since did it already.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Removes the file, unless the name means another one: removed already, and
/// made again since.
fn remove(path: &Path, of: Identity) -> io::Result<()> {
    match of.has_name(path)? {
        true => unlink(path),
        false => Ok(()),
    }
}

/// Returns whether a temporary exists and has the content it was given. After a
/// power cut it may not, if the transaction had the durability `process`. Then
/// the file that it was for stays as it is.
fn is_whole(temporary: &Path, (length, checksum): (u64, u32)) -> io::Result<bool> {
    let file = match File::open_beside(temporary, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        result => result?,
    };
    if file.size()? != length {
        return Ok(false);
    }
    let mut piece = vec![0; 65_536];
    let (mut at, mut sum) = (0, 0);
    loop {
        match file.read_full_at(&mut piece, at)? {
            0 => return Ok(sum == checksum),
            n => {
                sum = crc32c::crc32c_append(sum, &piece[..n]);
                at += n as u64;
            }
        }
    }
}

/// Undoes what a withdrawn commit made: appends, and links, which the inode
/// identifies.
pub(crate) fn undo(dir: &Path, manifest: &Manifest) -> Result<()> {
    let mut unlinked = None;
    for (n, change, lines) in manifest.each() {
        let path = dir.join(&change.name);
        let temporary = manifest.temporary(dir, n);
        match change.action {
            Action::Create { .. } => {
                let ours = sys::same_file(&temporary, &path)
                    .and_then(|same| if same { unlink(&path) } else { Ok(()) });
                ours.map_err(|error| Error::os("recover", &path, error))?;
                unlinked = Some(path);
            }
            Action::Append { to, start, .. } => take_back(&path, to, start, lines)
                .map_err(|error| Error::os("recover", &path, error))?,
            _ => {}
        }
    }
    // This comes before the temporaries go: they show which names are ours to
    // remove.
    if let Some(path) = &unlinked
        && manifest.durability == Durability::Power
    {
        sys::sync_parent(path).map_err(|error| Error::os("recover", dir, error))?;
    }
    remove_temporaries(dir, manifest.id, manifest.changes.len());
    Ok(())
}

fn take_back(path: &Path, to: Identity, start: u64, lines: &[u8]) -> io::Result<()> {
    let Some(journal) = open(path, to)? else {
        return Ok(());
    };
    let size = journal.size()?;
    // Only our own bytes may be after the old end.
    let ours = match remains(&journal, size, start, lines)? {
        Remains::Whole => size == start.saturating_add(lines.len() as u64),
        Remains::Part { .. } => size > start,
        Remains::Foreign => false,
    };
    if ours {
        journal.set_len(start)?;
        journal.sync_data()?;
    }
    Ok(())
}

/// Does the same for a transaction of which only the number is known.
pub(crate) fn remove_all_temporaries(dir: &Path, id: super::Id) {
    let prefix = super::manifest::temporaries(id);
    for name in sys::list(dir).unwrap_or_default() {
        if name.to_str().is_some_and(|name| name.starts_with(&prefix)) {
            let _ = sys::unlink(&dir.join(name));
        }
    }
}

/// Best effort: a later transaction sweeps what stays.
pub(crate) fn remove_temporaries(dir: &Path, id: super::Id, count: usize) {
    for n in 0..count {
        let _ = sys::unlink(&super::manifest::temporary(dir, id, n));
    }
}

fn unlink(path: &Path) -> io::Result<()> {
    match sys::unlink(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
