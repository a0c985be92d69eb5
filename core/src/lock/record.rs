//! The recovery record: what the lock file holds.
//!
//! ```text
//! offset  bytes
//!      0      8  "untorn1\n"
//!      8      8  generation of the journal, raised by every rewrite
//!     16      8  device  \
//!     24      8  inode    > of the journal that has this generation
//!     32      8  birth   /  (microseconds since 1970, 0 if not known)
//!     40     20  zero
//!     60      4  CRC-32C of the 60 bytes before
//! ---- up to here: nothing is pending. If the file is longer: ----
//!     64      8  "pending\n"
//!     72      4  kind: 1 = an append of many records (here), 3 = a member of a
//!                transaction (recovery/transaction/mark.rs)
//!     76      4  CRC-32C of the bytes that are appended
//!     80      8  device  \
//!     88      8  inode    > of the journal that is appended to
//!     96      8  birth   /
//!    104      8  start: the journal's length before
//!    112      8  length of what is appended
//!    120      4  zero
//!    124      4  CRC-32C of the 60 bytes before
//! ```
//!
//! Integers are little-endian. The file's size says whether anything is
//! pending, so that an append learns it from the same call that tells it that
//! the lock file still has a name.

use std::io;

use crate::fs::{File, FileId};

/// A lock file this long, or shorter, has nothing pending.
pub(crate) const IDLE: u64 = BLOCK as u64;
const BLOCK: usize = 64;
const MAGIC: &[u8; 8] = b"untorn1\n";
const PENDING: &[u8; 8] = b"pending\n";
/// The kinds of what can be pending.
pub(super) const APPEND: u32 = 1;

/// Which file, for longer than an inode number says it: they repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub id: FileId,
    /// Microseconds since 1970, where the system keeps it.
    pub birth: Option<u64>,
}

impl Identity {
    pub fn of(file: &File) -> io::Result<Identity> {
        Ok(Identity {
            id: file.id()?,
            birth: file.birth()?,
        })
    }
}

/// The first block: which generation a journal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation {
    pub number: u64,
    pub of: Identity,
}

impl Generation {
    /// The generation of this journal, given what its lock file says. Where
    /// the lock file says nothing, or speaks of another file (a foreign program
    /// replaced the journal), it follows from the file's birth, so that it
    /// needs no state and survives a lock file that was emptied or deleted.
    /// Microseconds stay below 2^53, which JavaScript can count.
    pub fn of(identity: Identity, recorded: Option<Generation>) -> u64 {
        let born = identity.birth.unwrap_or(1);
        match recorded {
            Some(recorded) if recorded.of == identity => recorded.number,
            Some(recorded) => born.max(recorded.number + 1),
            None => born,
        }
    }
}

/// The second block: an append of many records that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PendingAppend {
    pub to: Identity,
    pub start: u64,
    pub length: u64,
    pub checksum: u32,
}

/// Whether the content was written by this library, or there is none: also if
/// a power cut left nothing but NULs of it (the lock file is never synced).
pub(crate) fn is_ours(lock: &File) -> io::Result<bool> {
    let mut both = [0; 2 * BLOCK + 1];
    let n = lock.read_full_at(&mut both, 0)?;
    let erased = n <= 2 * BLOCK && both.iter().all(|byte| *byte == 0);
    Ok(erased || both.starts_with(MAGIC))
}

/// What the lock file says of the journal's generation; `None` if nothing that
/// can be believed.
pub(crate) fn read_generation(lock: &File) -> io::Result<Option<Generation>> {
    let mut block = [0; BLOCK];
    // But for the first byte, which the checksum covers: on Windows it is what
    // a lock is on, and nobody but the holder can read it then.
    block[0] = MAGIC[0];
    let n = 1 + lock.read_full_at(&mut block[1..], 1)?;
    Ok(
        (n == BLOCK && &block[..8] == MAGIC && is_whole(&block)).then(|| Generation {
            number: u64_at(&block, 8),
            of: identity_at(&block, 16),
        }),
    )
}

/// The block that says what is pending, whatever its kind.
pub(super) struct Pending([u8; BLOCK]);

/// What is pending; `None` if nothing that can be believed: the block itself
/// was cut short, so nothing was begun.
pub(super) fn read_pending(lock: &File) -> io::Result<Option<Pending>> {
    let mut block = [0; BLOCK];
    let n = lock.read_full_at(&mut block, IDLE)?;
    let believed = n == BLOCK && &block[..8] == PENDING && is_whole(&block);
    Ok(believed.then_some(Pending(block)))
}

impl Pending {
    pub fn kind(&self) -> u32 {
        u32_at(&self.0, 8)
    }

    /// If it is of that kind.
    pub fn append(&self) -> PendingAppend {
        let block = &self.0;
        PendingAppend {
            checksum: u32_at(block, 12),
            to: identity_at(block, 16),
            start: u64_at(block, 40),
            length: u64_at(block, 48),
        }
    }
}

/// Notes down that an append of many begins. One write of both blocks, so that
/// a lock file that was empty needs no second.
pub(crate) fn write_pending(
    lock: &File,
    generation: Generation,
    pending: &PendingAppend,
) -> io::Result<()> {
    let mut both = [0; 2 * BLOCK];
    let (first, second) = both.split_at_mut(BLOCK);
    first[..8].copy_from_slice(MAGIC);
    first[8..16].copy_from_slice(&generation.number.to_le_bytes());
    put_identity(&mut first[16..40], generation.of);
    seal(first);
    second[..8].copy_from_slice(PENDING);
    second[8..12].copy_from_slice(&APPEND.to_le_bytes());
    second[12..16].copy_from_slice(&pending.checksum.to_le_bytes());
    put_identity(&mut second[16..40], pending.to);
    second[40..48].copy_from_slice(&pending.start.to_le_bytes());
    second[48..56].copy_from_slice(&pending.length.to_le_bytes());
    seal(second);
    lock.write_all_at(&both, 0)
}

/// Nothing is pending any more.
pub(crate) fn clear_pending(lock: &File) -> io::Result<()> {
    lock.set_len(IDLE)
}

fn put_identity(into: &mut [u8], identity: Identity) {
    into[..8].copy_from_slice(&identity.id.device.to_le_bytes());
    into[8..16].copy_from_slice(&identity.id.inode.to_le_bytes());
    into[16..24].copy_from_slice(&identity.birth.unwrap_or(0).to_le_bytes());
}

fn identity_at(block: &[u8; BLOCK], at: usize) -> Identity {
    let birth = u64_at(block, at + 16);
    Identity {
        id: FileId {
            device: u64_at(block, at),
            inode: u64_at(block, at + 8),
        },
        birth: (birth != 0).then_some(birth),
    }
}

fn seal(block: &mut [u8]) {
    let checksum = crc32c::crc32c(&block[..60]);
    block[60..64].copy_from_slice(&checksum.to_le_bytes());
}

fn is_whole(block: &[u8; BLOCK]) -> bool {
    u32_at(block, 60) == crc32c::crc32c(&block[..60])
}

fn u64_at(block: &[u8; BLOCK], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&block[at..at + 8]);
    u64::from_le_bytes(bytes)
}

fn u32_at(block: &[u8; BLOCK], at: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&block[at..at + 4]);
    u32::from_le_bytes(bytes)
}
