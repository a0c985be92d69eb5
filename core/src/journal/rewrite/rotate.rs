//! The old file kept: it gets a name of its own before the new one takes its
//! place, so that there is a journal at every instant.

use std::io;
use std::path::PathBuf;

use super::draft::failed;
use super::{Draft, Old};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Access, File};
use crate::journal::header;
use crate::journal::open::Data;
use crate::journal::shared::Shared;
use crate::journal::writer::Writer;
use crate::lock::LockFile;
use crate::lock::record::Same;
use crate::rotated;

/// Puts an empty journal in the place of this one, whose records are kept in a
/// rotated file. `None`: there are none.
pub(in crate::journal) fn rotate(
    shared: &Shared,
    writer: &mut Writer,
    lock: LockFile<'_>,
    operation: &'static str,
) -> Result<Option<PathBuf>> {
    let Some((data, end)) = writer.current(shared, operation, lock)? else {
        return Ok(None);
    };
    let header = header::read_line(&data.file, &shared.options)
        .map_err(|error| Error::os(operation, &shared.path, error))?;
    if header.len() as u64 == end {
        return Ok(None);
    }
    let mut draft = Draft::begin(shared, writer, lock, operation)?;
    if let Err(error) = draft.write(shared, &header) {
        draft.discard(lock);
        return Err(error);
    }
    let published = draft.publish(shared, lock, Same::Rotation, Old::Kept);
    writer.close();
    Ok(published?.rotated)
}

/// Removes the rotated files that are more than are to be kept. Best effort: the
/// next rotation tries again.
pub(in crate::journal) fn prune(shared: &Shared) {
    let Some(keep) = shared.options.keep else {
        return;
    };
    let Ok(numbers) = rotated::numbers(&shared.path) else {
        return;
    };
    let surplus = numbers.len().saturating_sub(keep as usize);
    for number in &numbers[..surplus] {
        let _ = fs::unlink(&rotated::path(&shared.path, *number));
    }
}

/// The old file's new name.
pub(super) struct Kept {
    pub number: u32,
    pub path: PathBuf,
}

impl Kept {
    /// It did not come to a rename. If this fails, the next locker does it.
    pub fn take_back(self) {
        let _ = fs::unlink(&self.path);
    }
}

/// Gives the old file its new name, durably. `note` is told the number first:
/// if we die, the next locker takes the name back.
pub(super) fn keep(
    shared: &Shared,
    operation: &'static str,
    highest: u32,
    old: &Data,
    mut note: impl FnMut(u32) -> Result<()>,
) -> Result<Kept> {
    let told = |error| failed(shared, operation, error);
    let numbers = rotated::numbers(&shared.path).map_err(told)?;
    let mut number = numbers.last().map_or(0, |last| *last).max(highest);
    drop_second_name(shared, operation, &numbers, old)?;
    loop {
        number = number.checked_add(1).ok_or_else(|| {
            Error::new(
                ErrorKind::LimitExceeded,
                operation,
                &shared.path,
                "a rotated file has the highest number that there can be; rename it",
            )
        })?;
        let path = rotated::path(&shared.path, number);
        note(number)?;
        let second_name = if shared.lock.is_in_place() {
            // The journal keeps its inode: what is kept must be another file.
            Err(io::ErrorKind::Unsupported.into())
        } else {
            fs::link(&shared.path, &path)
        };
        let linked = match second_name {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
            // A file system without hard links.
            Err(_) => match copy(shared, old, &path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                result => result,
            },
            Ok(()) => Ok(()),
        };
        linked.map_err(told)?;
        let kept = Kept { number, path };
        // Before the rename: at no time may the disk know neither name.
        if let Err(error) = fs::sync_parent(&kept.path) {
            kept.take_back();
            return Err(told(error));
        }
        return Ok(kept);
    }
}

/// A power cut may have left the journal a second name, and not the note that
/// says so: what is appended would show in a rotated file.
fn drop_second_name(
    shared: &Shared,
    operation: &'static str,
    numbers: &[u32],
    old: &Data,
) -> Result<()> {
    let Some(last) = numbers.last() else {
        return Ok(());
    };
    let path = rotated::path(&shared.path, *last);
    let told = |error| Error::os(operation, &path, error);
    let seen = fs::stat(&path).map_err(told)?;
    if seen.is_some_and(|seen| seen.id == old.identity.id) {
        fs::unlink(&path).map_err(told)?;
    }
    Ok(())
}

fn copy(shared: &Shared, old: &Data, path: &std::path::Path) -> io::Result<()> {
    let like = fs::metadata(&shared.path)?;
    let file = File::create_new(path, Access::Write, Some(0o600))?;
    let copied = copy_bytes(&old.file, &file).and_then(|()| {
        if let Some(like) = &like {
            file.set_attributes(like)?;
        }
        file.sync_all()
    });
    if copied.is_err() {
        let _ = fs::unlink(path);
    }
    copied
}

fn copy_bytes(from: &File, to: &File) -> io::Result<()> {
    let mut piece = vec![0; 256 * 1024];
    let mut at = 0;
    loop {
        let n = from.read_full_at(&mut piece, at)?;
        if n == 0 {
            return Ok(());
        }
        to.write_all_at(&piece[..n], at)?;
        at += n as u64;
    }
}
