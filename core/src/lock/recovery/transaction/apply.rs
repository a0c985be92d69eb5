//! Makes the changes of a committed transaction, or unmakes those of one that
//! was not committed. Both can be begun again at any point: whoever dies in the
//! middle leaves the rest to the next.
//!
//! All of it under the locks of every file that changes.

use std::io;
use std::path::Path;

use super::manifest::{Action, Identity, Inode, Manifest};
use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::fs::{self, Access, File};
use crate::lock::record;

/// A sync that failed: the change is in place all the same.
pub(crate) type Unsynced = Option<Error>;

/// Appends what is to be appended. First, since it may fail where names do not:
/// until a name has changed, [`undo`] can still take all back.
pub(crate) fn append(dir: &Path, manifest: &Manifest) -> Result<Unsynced> {
    let mut unsynced = None;
    for (_, change, lines) in manifest.each() {
        let Action::Append { to, start, .. } = change.action else {
            continue;
        };
        let path = dir.join(&change.name);
        let told = |error| Error::os("commit", &path, error);
        let Some(journal) = open(&path, to).map_err(told)? else {
            // A program that takes no lock has replaced it meanwhile.
            continue;
        };
        append_rest(&journal, start, lines).map_err(told)?;
        if manifest.durability == Durability::Power
            && let Err(error) = journal.sync_data()
        {
            unsynced = Some(told(error));
        }
    }
    Ok(unsynced)
}

/// The journal, if it is this file still.
fn open(path: &Path, wanted: Identity) -> io::Result<Option<File>> {
    let file = match File::open(path, Access::Append) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result?,
    };
    let is = record::Identity::of(&file)?;
    Ok((is == wanted.into()).then_some(file))
}

/// Appends those of the lines that are not there yet.
fn append_rest(journal: &File, start: u64, lines: &[u8]) -> io::Result<()> {
    let there = common(journal, start, lines)?;
    let mut rest = &lines[there..];
    let size = journal.size()?;
    if there < lines.len() && size > start + there as u64 {
        // Foreign bytes, of a program that takes no lock: behind them, whole.
        let length = lines.len() as u64;
        if size >= length && common(journal, size - length, lines)? == lines.len() {
            return Ok(());
        }
        let mut last = [0];
        if journal.read_full_at(&mut last, size - 1)? == 1 && last != *b"\n" {
            write_all(journal, b"\n")?;
        }
        rest = lines;
    }
    write_all(journal, rest)
}

fn write_all(journal: &File, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match journal.append(rest)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => rest = &rest[n..],
        }
    }
    Ok(())
}

/// How much of `lines` is in the file from `start` on.
fn common(journal: &File, start: u64, lines: &[u8]) -> io::Result<usize> {
    if journal.size()? <= start {
        return Ok(0);
    }
    let mut piece = vec![0; lines.len().min(65_536)];
    let mut same = 0;
    while same < lines.len() {
        let want = piece.len().min(lines.len() - same);
        let n = journal.read_full_at(&mut piece[..want], start + same as u64)?;
        let equal = piece[..n]
            .iter()
            .zip(&lines[same..])
            .take_while(|(a, b)| a == b)
            .count();
        same += equal;
        if equal < want {
            break;
        }
    }
    Ok(same)
}

/// Whose contents a temporary has: for one who did not write it himself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    Own,
    Check,
}

/// Puts the new contents in place and removes what is to be removed.
pub(crate) fn rename(dir: &Path, manifest: &Manifest, trust: Trust) -> Result<Unsynced> {
    let mut last = None;
    for (n, change, _) in manifest.each() {
        let path = dir.join(&change.name);
        let temporary = manifest.temporary(dir, n);
        match change.action {
            Action::Append { .. } => continue,
            Action::Remove { of } => remove(&path, of),
            Action::Save { length, checksum } => put(&temporary, &path, trust, (length, checksum)),
            Action::Create { length, checksum } => {
                let wanted = (length, checksum);
                match finish_create(&temporary, &path, trust, wanted) {
                    // Its name is as durable as the commit.
                    Ok(false) => continue,
                    result => result.map(drop),
                }
            }
        }
        .map_err(|error| Error::os("commit", &path, error))?;
        last = Some(path);
    }
    // One for all: they are in one directory.
    let synced = match &last {
        Some(path) if manifest.durability == Durability::Power => fs::sync_parent(path),
        _ => Ok(()),
    };
    Ok(synced.err().map(|error| Error::os("commit", dir, error)))
}

fn put(temporary: &Path, path: &Path, trust: Trust, wanted: (u64, u32)) -> io::Result<()> {
    if trust == Trust::Check && !is_whole(temporary, wanted)? {
        return Ok(());
    }
    match fs::rename(temporary, path) {
        // Done already, by one who died since.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// It has its name since before the commit; but for a power cut, or on a file
/// system without hard links. `true`: it has it from now on.
fn finish_create(
    temporary: &Path,
    path: &Path,
    trust: Trust,
    wanted: (u64, u32),
) -> io::Result<bool> {
    if fs::stat(path)?.is_some() {
        return unlink(temporary).map(|()| false);
    }
    put(temporary, path, trust, wanted).map(|()| true)
}

/// Unless it is another file by now: removed already, and made anew since.
fn remove(path: &Path, of: Inode) -> io::Result<()> {
    match fs::stat(path)? {
        Some(stat) if stat.id == of.into() => unlink(path),
        _ => Ok(()),
    }
}

/// Whether a temporary is there and has what it was given. After a power cut it
/// may not, if the transaction was one of durability `process`; then the file
/// that it was for stays as it is.
fn is_whole(temporary: &Path, (length, checksum): (u64, u32)) -> io::Result<bool> {
    let file = match File::open(temporary, Access::LockFileRead) {
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

/// Unmakes what was made before the commit: links, told by their inode, and
/// appends of a commit that was withdrawn.
pub(crate) fn undo(dir: &Path, manifest: &Manifest) -> Result<()> {
    let mut unlinked = None;
    for (n, change, lines) in manifest.each() {
        let path = dir.join(&change.name);
        let temporary = manifest.temporary(dir, n);
        match change.action {
            Action::Create { .. } => {
                let ours = fs::same_file(&temporary, &path)
                    .and_then(|same| if same { unlink(&path) } else { Ok(()) });
                ours.map_err(|error| Error::os("recover", &path, error))?;
                unlinked = Some(path);
            }
            Action::Append { to, start, .. } => take_back(&path, to, start, lines)
                .map_err(|error| Error::os("recover", &path, error))?,
            _ => {}
        }
    }
    // Before the temporaries go: they tell which names are ours to remove.
    if let Some(path) = &unlinked
        && manifest.durability == Durability::Power
    {
        fs::sync_parent(path).map_err(|error| Error::os("recover", dir, error))?;
    }
    remove_temporaries(dir, manifest.id, manifest.changes.len());
    Ok(())
}

fn take_back(path: &Path, to: Identity, start: u64, lines: &[u8]) -> io::Result<()> {
    let Some(journal) = open(path, to)? else {
        return Ok(());
    };
    let there = common(&journal, start, lines)? as u64;
    // Nothing but ours behind the old end.
    if there > 0 && journal.size()? == start + there {
        journal.set_len(start)?;
        journal.sync_data()?;
    }
    Ok(())
}

/// Best effort: what stays is swept by a later transaction.
pub(crate) fn remove_temporaries(dir: &Path, id: super::Id, count: usize) {
    for n in 0..count {
        let _ = fs::unlink(&super::manifest::temporary(dir, id, n));
    }
}

fn unlink(path: &Path) -> io::Result<()> {
    match fs::unlink(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
