//! Kind 2: a header stamp that its writer did not live to end, and what was
//! appended with it: both, or neither.

use std::io;
use std::path::Path;

use super::append::{self, Part, Undone};
use crate::error::{Error, Result};
use crate::recovery::record::{Identity, PendingStamp, WayBack};
use crate::sys::{Access, File, InTheWay};

pub(crate) fn settle(lock: &File, target: &Path, pending: &PendingStamp) -> Result<()> {
    let told = |error| Error::os("recover", target, error);
    let journal = match File::open(target, Access::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // So it is another file.
        Err(error) if InTheWay::of(&error).is_some() => return Ok(()),
        result => result.map_err(told)?,
    };
    if Identity::of(&journal).map_err(told)? != pending.of {
        return Ok(());
    }
    let part = Part {
        start: pending.start,
        pieces: &pending.pieces,
        way_back: WayBack::new(lock, pending.end()),
    };
    let done =
        pending.pieces.is_empty() || append::undo_in(&journal, target, &part)? == Undone::Whole;
    // A line that is longer than the journal is none of its.
    if pending.old.len() as u64 <= journal.size().map_err(told)? {
        let (old, new) = (pending.old.to_vec(), pending.new.to_vec());
        let wanted = if done { &new } else { &old };
        let mut now = vec![0; wanted.len()];
        let n = journal.read_full_at(&mut now, 0).map_err(told)?;
        now.truncate(n);
        if now != *wanted && is_mixture(&now, &old, &new) {
            journal.write_all_at(wanted, 0).map_err(told)?;
        }
    }
    // Before the record is cleared: or a power cut could bring half of it back
    // with nothing left to tell that it is half.
    journal.sync_data().map_err(told)
}

/// Whether a part of the one line over the other can look so. If not, somebody
/// else has written there since.
fn is_mixture(now: &[u8], old: &[u8], new: &[u8]) -> bool {
    now.len() == old.len()
        && now
            .iter()
            .zip(old.iter().zip(new))
            .all(|(now, (old, new))| now == old || now == new)
}
