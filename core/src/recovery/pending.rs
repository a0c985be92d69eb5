//! The recovery record: what was under way when its writer died.
//!
//! ```text
//! offset  bytes
//!     64      8  "pending\n"
//!     72      4  kind
//!     76     48  what the kind says
//!    124      4  CRC-32C of the 60 bytes before
//! ```
//!
//! The file of each kind describes its content.

use std::io;

use super::append::{self, PendingAppend};
use super::block;
use super::handover::{self, Reservation};
use super::header::{self, PendingStamp};
use super::overwrite::{self, PendingOverwrite};
use super::rewrite::{self, PendingRewrite};
use super::transaction::mark::{self, Mark};
use crate::lockfile::{BLOCK, Generation, IDLE, Identity, read_generation};
use crate::sys::File;

/// The work that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    Append(PendingAppend),
    Stamp(PendingStamp),
    Rewrite(PendingRewrite),
    Member(Mark),
    /// Nothing is under way, but the lock is another's: kind 4.
    Reserved(Reservation),
    Overwrite(PendingOverwrite),
    /// A kind that this version does not know.
    Unknown(u32),
}

/// Does what [`read_pending`] does, for a reader without the lock. A record
/// takes more than one read, and one may be cleared and another written in
/// between. Half of each would look like a record that was cut short, and mean
/// nothing.
pub(crate) fn look_at_pending(lock: &File) -> io::Result<Option<Pending>> {
    let head = || {
        let mut block = [0; BLOCK];
        let n = lock.read_full_at(&mut block, IDLE)?;
        Ok::<_, io::Error>((block, n))
    };
    let mut before = head()?;
    loop {
        let pending = read_pending(lock)?;
        let after = head()?;
        if after == before {
            return Ok(pending);
        }
        before = after;
    }
}

/// Reads what is pending; `None` if nothing can be believed. Then the record
/// itself was cut short, so nothing was begun.
pub(crate) fn read_pending(lock: &File) -> io::Result<Option<Pending>> {
    let Some(block) = block::read(lock)? else {
        return Ok(None);
    };
    Ok(match block::kind_of(&block) {
        append::KIND => PendingAppend::read(lock, &block)?.map(Pending::Append),
        header::KIND => PendingStamp::read(lock, &block)?.map(Pending::Stamp),
        mark::KIND => Some(Pending::Member(Mark::at(&block))),
        handover::KIND => handover::read(lock, &block)?.map(Pending::Reserved),
        rewrite::KIND => Some(Pending::Rewrite(PendingRewrite::at(&block))),
        overwrite::KIND => Some(Pending::Overwrite(PendingOverwrite::at(&block))),
        kind => Some(Pending::Unknown(kind)),
    })
}

/// Returns this file's generation for a reader without the lock. It is right
/// also between the rename that made the file the journal and its record. The
/// rename wakes a follower of the journal.
pub(crate) fn generation_of(lock: &File, journal: Identity) -> io::Result<Option<Generation>> {
    let recorded = read_generation(lock)?;
    if recorded.is_some_and(|recorded| recorded.of == journal) {
        return Ok(recorded);
    }
    match look_at_pending(lock)? {
        Some(Pending::Rewrite(pending)) if pending.by == Some(journal) => {
            Ok(Some(pending.generation(journal, recorded)))
        }
        // If it was recorded meanwhile, it is readable now.
        _ => read_generation(lock),
    }
}
