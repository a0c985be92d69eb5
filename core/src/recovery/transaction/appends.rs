//! The appends of a committed transaction, or what is left to make of them.

use std::io;
use std::path::Path;

use super::change::Action;
use super::manifest::Manifest;
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::lockfile::Identity;
use crate::sys::{Access, File, InTheWay};
use crate::torn;

/// A sync that failed: the change is in place all the same.
pub(crate) type Unsynced = Option<Error>;

/// The owner of the transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The caller owns it. It can still take it back, and knows the content of
    /// the temporaries.
    Own,
    /// A dead process owned it.
    Dead,
}

#[cold]
pub(super) fn replaced(path: &Path) -> Error {
    Error::new(
        ErrorKind::Conflict,
        "commit",
        path,
        "a program that does not take the lock has replaced the journal just now",
    )
}

/// Opens the journal, if it is still this file.
pub(super) fn open(path: &Path, wanted: Identity) -> io::Result<Option<File>> {
    let file = match File::open(path, Access::Append) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // So the name means another file.
        Err(error) if InTheWay::of(&error).is_some() => return Ok(None),
        result => result?,
    };
    Ok((Identity::of(&file)? == wanted).then_some(file))
}

/// Makes the appends. They come first, since they may fail for reasons that a
/// change of names does not have. Until a name has changed, [`undo`] can still
/// take all back.
pub(crate) fn append(dir: &Path, manifest: &Manifest, whose: Whose) -> Result<Unsynced> {
    let mut unsynced = None;
    for (_, change, lines) in manifest.each() {
        let Action::Append { to, start, .. } = change.action else {
            continue;
        };
        let path = dir.join(&change.name);
        let os_error = |error| Error::os("commit", &path, error);
        let Some(journal) = open(&path, to).map_err(os_error)? else {
            // A program that takes no lock has replaced it meanwhile.
            match whose {
                Whose::Own => return Err(replaced(&path)),
                Whose::Dead => {
                    torn::set_aside(&path, start, lines, NOT_APPENDED).map_err(os_error)?
                }
            }
            continue;
        };
        append_rest(&journal, start, lines).map_err(os_error)?;
        if manifest.durability == Durability::Power
            && let Err(error) = journal.sync_data()
        {
            unsynced = Some(os_error(error));
        }
    }
    Ok(unsynced)
}

/// The reason in `P.torn` for lines that were committed, and have no journal.
const NOT_APPENDED: &str = "committed by a transaction whose process died; \
     before it was finished, another program replaced or removed the journal";

/// Appends those of the lines that are missing.
fn append_rest(journal: &File, start: u64, lines: &[u8]) -> io::Result<()> {
    let size = journal.size()?;
    match remains(journal, size, start, lines)? {
        Remains::Whole => Ok(()),
        Remains::Part { same } => {
            let stop = start + same as u64;
            if stop < size {
                journal.set_len(stop)?;
            }
            write_all(journal, &lines[same..])
        }
        Remains::Foreign => {
            // All lines go after the foreign bytes, unless a process has done
            // that already.
            let length = lines.len() as u64;
            if size >= length
                && matches!(
                    remains(journal, size, size - length, lines)?,
                    Remains::Whole
                )
            {
                return Ok(());
            }
            let mut last = [b'\n'];
            if size > 0 {
                journal.read_full_at(&mut last, size - 1)?;
            }
            if last != *b"\n" {
                write_all(journal, b"\n")?;
            }
            write_all(journal, lines)
        }
    }
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

/// The content of a journal after the end that it had.
pub(super) enum Remains {
    /// The lines, and perhaps others after them.
    Whole,
    /// The first so many bytes of the lines, or none. A power cut may have left
    /// NULs for some of the others.
    Part { same: usize },
    /// Bytes of a program that takes no lock; or the file is shorter than it
    /// was.
    Foreign,
}

pub(super) fn remains(journal: &File, size: u64, start: u64, lines: &[u8]) -> io::Result<Remains> {
    let Some(behind) = size.checked_sub(start) else {
        return Ok(Remains::Foreign);
    };
    let there = usize::try_from(behind).map_or(lines.len(), |n| n.min(lines.len()));
    let mut piece = vec![0; there.min(65_536)];
    let (mut done, mut same) = (0, 0);
    while done < there {
        let want = piece.len().min(there - done);
        let n = journal.read_full_at(&mut piece[..want], start + done as u64)?;
        for (is, ours) in piece[..n].iter().zip(&lines[done..]) {
            if is == ours {
                same += usize::from(same == done);
            } else if *is != 0 {
                return Ok(Remains::Foreign);
            }
            done += 1;
        }
        if n < want {
            break;
        }
    }
    Ok(if same == lines.len() {
        Remains::Whole
    } else if behind <= lines.len() as u64 {
        Remains::Part { same }
    } else {
        Remains::Foreign
    })
}
