//! Reads and writes the first block of a lock file: the generation of a journal, and
//! how it came to it.

use std::io;

use super::block::{BLOCK, MAGIC, is_whole, seal, u32_at, u64_at};
use super::identity::Identity;
use crate::sys::File;

/// Is the first block: the generation of a journal, and how it came to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation {
    pub number: u64,
    pub of: Identity,
    /// The journal before its last rewrite, if that is known.
    pub before: Option<Before>,
    /// The highest number that a rotated file of this journal ever had, even if that
    /// file is gone. 0: none.
    pub rotated: u32,
}

/// Says how a position from before a rewrite is carried over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Before {
    pub generation: u64,
    pub same: Same,
}

/// Says how much a rewrite left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Same {
    /// This many bytes at the start.
    Prefix(u64),
    /// It was a rotation. The earlier file is the rotated one, whole. The new one began
    /// empty, except for the header.
    Rotation,
}

const ROTATION: u64 = u64::MAX;

impl Same {
    pub fn to_number(self) -> u64 {
        match self {
            Same::Prefix(bytes) => bytes,
            Same::Rotation => ROTATION,
        }
    }

    pub fn of_number(number: u64) -> Same {
        match number {
            ROTATION => Same::Rotation,
            bytes => Same::Prefix(bytes),
        }
    }
}

impl Generation {
    /// The generation of no journal.
    pub const NOBODYS: Generation = Generation {
        number: 0,
        of: Identity::NOBODY,
        before: None,
        rotated: 0,
    };

    /// Returns the generation of this journal, given the lock file's record. The record
    /// may be missing, or name another file (a foreign program replaced the journal).
    /// Then the generation follows from the file's birth time. So it needs no state,
    /// and survives a lock file that was emptied or deleted. Microseconds stay below
    /// 2^53, so JavaScript can count them.
    ///
    /// A rewrite takes its number from here too. So the new file has it already between
    /// the rename and the moment when it is recorded.
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

    pub fn to_block(self) -> [u8; BLOCK] {
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

/// Reads the journal's generation from the lock file. Returns `None` if the block is
/// not whole, or not ours.
pub(crate) fn read_generation(lock: &File) -> io::Result<Option<Generation>> {
    let mut block = [0; BLOCK];
    // All but the first byte, which the checksum covers. On Windows the lock is on that
    // byte, and only the holder can read it then.
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

/// Records the generation.
pub(crate) fn write_generation(lock: &File, generation: Generation) -> io::Result<()> {
    lock.write_all_at(&generation.to_block(), 0)
}
