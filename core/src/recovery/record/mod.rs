//! What the lock file holds.
//!
//! ```text
//! offset  bytes
//!      0      8  "untorn1\n"
//!      8      8  generation of the journal, raised by every rewrite
//!     16      8  device  \  (0 if the birth is known)
//!     24      8  inode    > of the journal that has this generation
//!     32      8  birth   /  (microseconds since 1970, 0 if not known)
//!     40      8  generation before its last rewrite, 0: none known
//!     48      8  how many of its first bytes that rewrite left the same;
//!                2^64 - 1: it was a rotation
//!     56      4  the highest number that a rotated file was given, 0: none
//!     60      4  CRC-32C of the 60 bytes before
//! ---- up to here: nothing is pending. If the file is longer: ----
//!     64         a recovery record: pending.rs
//! ```
//!
//! Integers are little-endian. The file's size says whether anything is
//! pending, so that an append learns it from the same call that tells it that
//! the lock file still has a name.

mod identity;
mod mark;
mod pending;
mod pieces;
mod reservation;
mod stamp;

use std::io;

use crate::sys::File;

pub(crate) use identity::{Identity, open};
pub(crate) use mark::Mark;
pub(crate) use pending::{
    Pending, PendingAppend, PendingOverwrite, PendingRewrite, clear_pending, look_at_pending,
    read_pending, write_pending, write_record,
};
pub(crate) use pieces::{Pieces, WayBack, blank};
pub(crate) use reservation::{Reservation, write_reservation};
pub(crate) use stamp::{PendingStamp, StampNote, clear_stamp, is_cleared};

/// A lock file this long, or shorter, has nothing pending.
pub(crate) const IDLE: u64 = BLOCK as u64;
const BLOCK: usize = 64;
const MAGIC: &[u8; 8] = b"untorn1\n";

/// The first block: which generation a journal has, and how it came to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation {
    pub number: u64,
    pub of: Identity,
    /// What the journal was before its last rewrite, if that is known.
    pub before: Option<Before>,
    /// The highest number that a rotated file of this journal was given, also
    /// where that file is gone. 0: none.
    pub rotated: u32,
}

/// How a position from before a rewrite can be carried over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Before {
    pub generation: u64,
    pub same: Same,
}

/// What a rewrite left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Same {
    /// So many of the first bytes.
    Prefix(u64),
    /// It was a rotation: the file before is the rotated one, whole, and the
    /// new one began empty (but for the header).
    Rotation,
}

const ROTATION: u64 = u64::MAX;

impl Same {
    fn to_number(self) -> u64 {
        match self {
            Same::Prefix(bytes) => bytes,
            Same::Rotation => ROTATION,
        }
    }

    fn of_number(number: u64) -> Same {
        match number {
            ROTATION => Same::Rotation,
            bytes => Same::Prefix(bytes),
        }
    }
}

impl Generation {
    /// Of no journal.
    pub const NOBODYS: Generation = Generation {
        number: 0,
        of: Identity::NOBODY,
        before: None,
        rotated: 0,
    };

    /// The generation of this journal, given what its lock file says. Where
    /// the lock file says nothing, or speaks of another file (a foreign program
    /// replaced the journal), it follows from the file's birth, so that it
    /// needs no state and survives a lock file that was emptied or deleted.
    /// Microseconds stay below 2^53, which JavaScript can count.
    ///
    /// A rewrite takes its number from here too, so that the new file has it
    /// already between the rename and the moment when it is recorded.
    pub fn of(identity: Identity, recorded: Option<Generation>) -> Generation {
        let born = identity.birth.unwrap_or(1);
        match recorded {
            Some(recorded) if recorded.of == identity => recorded,
            _ => Generation {
                number: recorded.map_or(born, |recorded| born.max(recorded.number + 1)),
                of: identity,
                before: None,
                rotated: recorded.map_or(0, |recorded| recorded.rotated),
            },
        }
    }

    fn to_block(self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        block[..8].copy_from_slice(MAGIC);
        block[8..16].copy_from_slice(&self.number.to_le_bytes());
        self.of.put(&mut block[16..40]);
        if let Some(before) = self.before {
            block[40..48].copy_from_slice(&before.generation.to_le_bytes());
            block[48..56].copy_from_slice(&before.same.to_number().to_le_bytes());
        }
        block[56..60].copy_from_slice(&self.rotated.to_le_bytes());
        seal(&mut block);
        block
    }
}

/// Whether the content was written by this library, or there is none: also if
/// a power cut left nothing but NULs of it (the lock file is seldom synced), or
/// its writer died or failed after the first bytes. (One who failed then sets the
/// length, which puts NULs behind them.)
pub(crate) fn is_ours(lock: &File) -> io::Result<bool> {
    let mut head = [0; MAGIC.len()];
    let n = lock.read_full_at(&mut head, 0)?;
    let magic = MAGIC.iter().zip(&head[..n]).take_while(|(a, b)| a == b);
    let begun = magic.count();
    Ok(begun == MAGIC.len() || is_nul_from(lock, begun as u64)?)
}

/// Whether nothing but NULs follows, as long as a record can be.
fn is_nul_from(lock: &File, mut at: u64) -> io::Result<bool> {
    const LONGEST: u64 = 64 << 20;
    let mut piece = vec![0; 65_536];
    while at <= LONGEST {
        match lock.read_full_at(&mut piece, at)? {
            0 => return Ok(true),
            n if piece[..n].iter().any(|byte| *byte != 0) => return Ok(false),
            n => at += n as u64,
        }
    }
    Ok(false)
}

/// The same of a `P.redo`, whose name nobody else uses: its head is written
/// last, so what a crash leaves may have none, or a part.
pub(crate) fn is_our_redo(redo: &File) -> io::Result<bool> {
    let mut head = *MAGIC;
    let n = redo.read_full_at(&mut head, 0)?;
    let same = head[..n].iter().zip(MAGIC).take_while(|(a, b)| a == b);
    Ok(head[same.count()..n].iter().all(|byte| *byte == 0))
}

/// What the lock file says of the journal's generation; `None` if nothing that
/// can be believed.
pub(crate) fn read_generation(lock: &File) -> io::Result<Option<Generation>> {
    let mut block = [0; BLOCK];
    // But for the first byte, which the checksum covers: on Windows it is what
    // a lock is on, and nobody but the holder can read it then.
    block[0] = MAGIC[0];
    let n = 1 + lock.read_full_at(&mut block[1..], 1)?;
    let believed = n == BLOCK && &block[..8] == MAGIC && is_whole(&block);
    Ok(believed.then(|| {
        let before = u64_at(&block, 40);
        Generation {
            number: u64_at(&block, 8),
            of: Identity::at(&block, 16),
            before: (before != 0).then(|| Before {
                generation: before,
                same: Same::of_number(u64_at(&block, 48)),
            }),
            rotated: u32_at(&block, 56),
        }
    }))
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

/// Records the generation.
pub(crate) fn write_generation(lock: &File, generation: Generation) -> io::Result<()> {
    lock.write_all_at(&generation.to_block(), 0)
}

fn seal(block: &mut [u8; BLOCK]) {
    let checksum = crc32c::crc32c(&block[..60]);
    block[60..64].copy_from_slice(&checksum.to_le_bytes());
}

fn is_whole(block: &[u8; BLOCK]) -> bool {
    u32_at(block, 60) == crc32c::crc32c(&block[..60])
}

fn u64_at(block: &[u8; BLOCK], at: usize) -> u64 {
    u64_of(&block[at..at + 8])
}

fn u64_of(eight: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(eight);
    u64::from_le_bytes(bytes)
}

fn u32_at(block: &[u8; BLOCK], at: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&block[at..at + 4]);
    u32::from_le_bytes(bytes)
}
