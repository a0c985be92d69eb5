//! The recovery record: what was under way when its writer died.
//!
//! ```text
//! offset  bytes
//!     64      8  "pending\n"
//!     72      4  kind
//!     76     48  what the kind says
//!    124      4  CRC-32C of the 60 bytes before
//!
//! kind 1, an append of many records      kind 5, a rewrite
//!     76   4  CRC-32C of what is at 128       76   4  zero
//!     80  24  identity of the journal         80  24  identity of the new file, zeros:
//!    104   8  start: its length before                it is not complete yet
//!    112   8  length of what is appended     104   8  its generation
//!    120   4  how many pieces               112   8  how many bytes are the same, as at 48
//!    128      the pieces: pieces.rs           120   4  number of the rotated file, 0: none
//! kind 2, a header stamp: stamp.rs
//!
//! kind 3, a member of a transaction
//!     76   4  zero
//!     80  16  the transaction's number
//!     96  28  zero
//! ```

use std::io;

use super::identity::Identity;
use super::mark::Mark;
use super::pieces::Pieces;
use super::reservation::{self, Reservation};
use super::stamp::{PendingStamp, STAMP};
use super::{BLOCK, Before, Generation, IDLE, Same, is_whole, seal, u32_at, u64_at};
use crate::sys::File;

pub(crate) const PENDING: &[u8; 8] = b"pending\n";
const APPEND: u32 = 1;
const MEMBER: u32 = 3;
const REWRITE: u32 = 5;
const OVERWRITE: u32 = 6;

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

/// An append of many records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingAppend {
    pub to: Identity,
    pub start: u64,
    pub pieces: Pieces,
}

/// A rewrite: from when its temporary is made until the new file's generation
/// is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PendingRewrite {
    /// The new file; `None` while it is being written.
    pub by: Option<Identity>,
    pub number: u64,
    pub same: Same,
    pub rotated: u32,
}

impl PendingAppend {
    /// Where the record ends.
    pub fn end(&self) -> u64 {
        IDLE + BLOCK as u64 + Pieces::room(self.pieces.count())
    }
}

impl PendingRewrite {
    /// That of the new file, after the one that is recorded.
    pub fn generation(&self, by: Identity, recorded: Option<Generation>) -> Generation {
        Generation {
            number: self.number,
            of: by,
            before: recorded.map(|recorded| Before {
                generation: recorded.number,
                same: self.same,
            }),
            rotated: self.rotated.max(recorded.map_or(0, |r| r.rotated)),
        }
    }
}

/// A write in place, in `P.redo`: the bytes follow, as they were, then as they
/// are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PendingOverwrite {
    /// Where in `P` the change begins.
    pub from: u64,
    /// How long `P` was from there on, and is to be.
    pub old: u64,
    pub new: u64,
    /// Of the bytes that follow.
    pub checksum: u32,
    /// In which start of the machine it was written; 0: not known.
    pub boot: u64,
    /// The generation before.
    pub before: u64,
    /// What the first byte is while the change is under way; `None`: it is an
    /// append, and no byte that was there changes.
    pub mark: Option<u8>,
    /// It failed, and is being taken back.
    pub back: bool,
}

impl Pending {
    pub(crate) fn to_block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        block[..8].copy_from_slice(PENDING);
        let kind = match self {
            Pending::Append(append) => {
                let checksum = crc32c::crc32c(&self.behind());
                block[12..16].copy_from_slice(&checksum.to_le_bytes());
                append.to.put(&mut block[16..40]);
                block[40..48].copy_from_slice(&append.start.to_le_bytes());
                block[48..56].copy_from_slice(&append.pieces.length().to_le_bytes());
                block[56..60].copy_from_slice(&append.pieces.count().to_le_bytes());
                APPEND
            }
            Pending::Rewrite(rewrite) => {
                if let Some(by) = rewrite.by {
                    by.put(&mut block[16..40]);
                }
                block[40..48].copy_from_slice(&rewrite.number.to_le_bytes());
                block[48..56].copy_from_slice(&rewrite.same.to_number().to_le_bytes());
                block[56..60].copy_from_slice(&rewrite.rotated.to_le_bytes());
                REWRITE
            }
            Pending::Member(mark) => {
                mark.put(&mut block);
                MEMBER
            }
            // Longer than a block: see `write_reservation`.
            Pending::Reserved(_) => reservation::KIND,
            // Longer than a block: it has an encoding of its own.
            Pending::Stamp(_) => STAMP,
            Pending::Overwrite(change) => {
                block[12..16].copy_from_slice(&change.checksum.to_le_bytes());
                let numbers = [
                    change.from,
                    change.old,
                    change.new,
                    change.boot,
                    change.before,
                ];
                for (at, number) in (16..).step_by(8).zip(numbers) {
                    block[at..at + 8].copy_from_slice(&number.to_le_bytes());
                }
                block[56] = change.mark.unwrap_or(0);
                block[57] = u8::from(change.back);
                block[58] = u8::from(change.mark.is_none());
                OVERWRITE
            }
            Pending::Unknown(kind) => *kind,
        };
        block[8..12].copy_from_slice(&kind.to_le_bytes());
        seal(&mut block);
        block
    }

    /// What follows the block.
    fn behind(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Pending::Append(append) = self {
            append.pieces.put(&mut bytes);
        }
        bytes
    }
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
    let mut block = [0; BLOCK];
    let n = lock.read_full_at(&mut block, IDLE)?;
    if n < BLOCK || &block[..8] != PENDING || !is_whole(&block) {
        return Ok(None);
    }
    Ok(Some(match u32_at(&block, 8) {
        APPEND => {
            let (count, checksum) = (u32_at(&block, 56), u32_at(&block, 12));
            let pieces = Pieces::read(lock, &block, count, checksum)?;
            let length = u64_at(&block, 48);
            match pieces.filter(|pieces| pieces.length() == length) {
                Some(pieces) => Pending::Append(PendingAppend {
                    to: Identity::at(&block, 16),
                    start: u64_at(&block, 40),
                    pieces,
                }),
                None => return Ok(None),
            }
        }
        STAMP => return Ok(PendingStamp::read(lock, &block)?.map(Pending::Stamp)),
        REWRITE => Pending::Rewrite(PendingRewrite {
            by: block[16..40]
                .iter()
                .any(|byte| *byte != 0)
                .then(|| Identity::at(&block, 16)),
            number: u64_at(&block, 40),
            same: Same::of_number(u64_at(&block, 48)),
            rotated: u32_at(&block, 56),
        }),
        MEMBER => Pending::Member(Mark::at(&block)),
        reservation::KIND => match reservation::read(lock, &block)? {
            Some(reservation) => Pending::Reserved(reservation),
            None => return Ok(None),
        },
        OVERWRITE => Pending::Overwrite(PendingOverwrite {
            checksum: u32_at(&block, 12),
            from: u64_at(&block, 16),
            old: u64_at(&block, 24),
            new: u64_at(&block, 32),
            boot: u64_at(&block, 40),
            before: u64_at(&block, 48),
            mark: (block[58] == 0).then_some(block[56]),
            back: block[57] != 0,
        }),
        kind => Pending::Unknown(kind),
    }))
}

/// Notes down what begins. One write of all of it, so that a lock file that was
/// empty needs no second.
pub(crate) fn write_pending(
    lock: &File,
    generation: Generation,
    pending: &Pending,
) -> io::Result<()> {
    let mut bytes = pending.behind();
    let blocks = [generation.to_block(), pending.to_block()];
    bytes.splice(..0, blocks.into_iter().flatten());
    lock.write_all_at(&bytes, 0)
}

/// Changes what is noted already.
pub(crate) fn write_record(lock: &File, pending: &Pending) -> io::Result<()> {
    lock.write_all_at(&pending.to_block(), IDLE)
}

/// Nothing is pending any more. Where the file can't be cut, zeros say so.
pub(crate) fn clear_pending(lock: &File) -> io::Result<()> {
    lock.set_len(IDLE).or_else(|_| super::clear_stamp(lock))
}
