//! The first block of a lock file: which generation a journal has, and how it came to it.

use std::io;

use super::block::{BLOCK, MAGIC, is_whole, seal, u32_at, u64_at};
use super::identity::Identity;
use crate::sys::File;

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

/// Records the generation.
pub(crate) fn write_generation(lock: &File, generation: Generation) -> io::Result<()> {
    lock.write_all_at(&generation.to_block(), 0)
}
