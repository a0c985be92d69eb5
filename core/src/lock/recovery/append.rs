//! Kind 1: an append of many records that its writer did not live to end.

use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::fs::{Access, File};
use crate::lock::record::{Identity, PendingAppend};
use crate::torn::{self, Cut};

/// Cuts the first part of an append of many off, unless all of it is there.
pub(super) fn undo(target: &Path, pending: &PendingAppend) -> Result<()> {
    let told = |error| Error::os("recover", target, error);
    let journal = match File::open(target, Access::Append) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        result => result.map_err(told)?,
    };
    let identity = Identity::of(&journal).map_err(told)?;
    if identity != pending.to {
        return Ok(());
    }
    let end = pending.start + pending.length;
    loop {
        let size = journal.size().map_err(told)?;
        // Nothing was written; or foreign bytes follow, and then this is no
        // tail any more, which alone may be cut.
        if size <= pending.start || size > end {
            return Ok(());
        }
        if size == end && checksum(&journal, pending).map_err(told)? == pending.checksum {
            return Ok(());
        }
        let length = size - pending.start;
        let cut = Cut {
            offset: pending.start,
            length,
            nuls: 0,
        };
        let kept = torn::keep(&journal, target, cut)?;
        // A program that ignores the lock may have appended meanwhile.
        if journal.size().map_err(told)? == size {
            journal.set_len(pending.start).map_err(told)?;
            // Before the record is cleared: or a power cut could bring half
            // the append back with nothing left to tell that it is half.
            return journal.sync_data().map_err(told);
        }
        kept.take_back();
    }
}

fn checksum(journal: &File, pending: &PendingAppend) -> io::Result<u32> {
    let mut piece = vec![0; 65_536];
    let (mut done, mut checksum) = (0, 0);
    while done < pending.length {
        let want =
            usize::try_from(pending.length - done).map_or(piece.len(), |n| n.min(piece.len()));
        let n = journal.read_full_at(&mut piece[..want], pending.start + done)?;
        if n == 0 {
            break;
        }
        checksum = crc32c::crc32c_append(checksum, &piece[..n]);
        done += n as u64;
    }
    Ok(checksum)
}
