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
//! What each kind says stands in its own file.

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

/// What is under way.
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

/// [`read_pending`] for a reader, who has no lock: a record takes more than one
/// read, and one may be cleared and another written in between. What is half of
/// each would look like one that was cut short, and mean nothing.
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

/// What is pending; `None` if nothing that can be believed: the record itself
/// was cut short, so nothing was begun.
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

/// What a reader, who has no lock, is told of the generation of this file: also
/// between the rename that made it the journal and the moment when that is
/// recorded. One who follows the journal is woken by the rename.
pub(crate) fn generation_of(lock: &File, journal: Identity) -> io::Result<Option<Generation>> {
    let recorded = read_generation(lock)?;
    if recorded.is_some_and(|recorded| recorded.of == journal) {
        return Ok(recorded);
    }
    match look_at_pending(lock)? {
        Some(Pending::Rewrite(pending)) if pending.by == Some(journal) => {
            Ok(Some(pending.generation(journal, recorded)))
        }
        // If it was recorded meanwhile, it is there now.
        _ => read_generation(lock),
    }
}
