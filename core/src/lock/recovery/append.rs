//! Kind 1: an append of many records that its writer did not live to end.

use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::fs::{Access, File, InTheWay};
use crate::lock::record::{Identity, PendingAppend};
use crate::torn::{self, Cut};

/// Cuts the first part of an append off, unless all of it is there.
pub(super) fn undo(target: &Path, pending: &PendingAppend) -> Result<()> {
    let told = |error| Error::os("recover", target, error);
    let journal = match File::open(target, Access::Append) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // So it is another file.
        Err(error) if InTheWay::of(&error).is_some() => return Ok(()),
        result => result.map_err(told)?,
    };
    let identity = Identity::of(&journal).map_err(told)?;
    if identity != pending.to {
        return Ok(());
    }
    if undo_in(&journal, target, pending)? == Undone::Cut {
        // Before the record is cleared: or a power cut could bring half
        // the append back with nothing left to tell that it is half.
        journal.sync_data().map_err(told)?;
    }
    Ok(())
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undone {
    /// Nothing of it was written.
    NotBegun,
    /// All of it is there.
    Whole,
    /// A part was there, and is cut.
    Cut,
    /// Others have appended behind it: it is no tail any more, which alone may
    /// be cut.
    Buried,
}

pub(super) fn undo_in(journal: &File, target: &Path, pending: &PendingAppend) -> Result<Undone> {
    let told = |error| Error::os("recover", target, error);
    // What was never written by us may say anything.
    let end = pending.start.saturating_add(pending.length);
    loop {
        let size = journal.size().map_err(told)?;
        if size <= pending.start {
            return Ok(Undone::NotBegun);
        }
        if size > end {
            return Ok(Undone::Buried);
        }
        if size == end && is_there(journal, pending).map_err(told)? {
            return Ok(Undone::Whole);
        }
        let length = size - pending.start;
        let cut = Cut {
            offset: pending.start,
            length,
            nuls: 0,
        };
        let kept = torn::keep(journal, target, cut)?;
        // A program that ignores the lock may have appended meanwhile.
        if journal.size().map_err(told)? == size {
            journal.set_len(pending.start).map_err(told)?;
            return Ok(Undone::Cut);
        }
        kept.take_back();
    }
}

/// Whether the bytes at its place are those that were to be appended.
pub(super) fn is_there(journal: &File, pending: &PendingAppend) -> io::Result<bool> {
    let mut piece = vec![0; 65_536];
    let (mut done, mut checksum) = (0, 0);
    while done < pending.length {
        let want =
            usize::try_from(pending.length - done).map_or(piece.len(), |n| n.min(piece.len()));
        let n = journal.read_full_at(&mut piece[..want], pending.start.saturating_add(done))?;
        if n == 0 {
            break;
        }
        checksum = crc32c::crc32c_append(checksum, &piece[..n]);
        done += n as u64;
    }
    Ok(checksum == pending.checksum)
}
