//! Kind 6: a write in place, as `P.redo` notes it.

use std::io;
use std::sync::OnceLock;

use super::content::Content;
use crate::lockfile::{BLOCK, Generation, IDLE, u32_at, u64_at};
use crate::recovery::block;
use crate::sys::{self, File};

pub(crate) const KIND: u32 = 6;

/// Returns a number for this start of the machine; 0 if the system does not
/// report one. Until the next start, nothing that a process wrote is lost or
/// reordered.
pub(crate) fn boot() -> u64 {
    static BOOT: OnceLock<u64> = OnceLock::new();
    *BOOT.get_or_init(|| sys::boot_id().map_or(0, |id| xxhash_rust::xxh3::xxh3_64(id.as_bytes())))
}

/// The offset of the old bytes in `P.redo`; the new ones follow.
pub(crate) const PAYLOAD: u64 = 128;

/// A write in place, in `P.redo`. The old bytes follow, then the new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PendingOverwrite {
    /// The offset in `P` at which the change begins.
    pub from: u64,
    /// The lengths of `P` from there on, before and after.
    pub old: u64,
    pub new: u64,
    /// The checksum of the bytes that follow.
    pub checksum: u32,
    /// The start of the machine in which it was written; 0: not known.
    pub boot: u64,
    /// The generation before.
    pub before: u64,
    /// The first byte while the change is under way. `None` marks an append: no
    /// byte that was there changes.
    pub mark: Option<u8>,
    /// It failed, and is being taken back.
    pub back: bool,
}

impl PendingOverwrite {
    pub fn old<'a>(&self, redo: &'a File) -> Content<'a> {
        Content::File {
            file: redo,
            start: PAYLOAD,
            length: self.old,
        }
    }

    pub fn new_bytes<'a>(&self, redo: &'a File) -> Content<'a> {
        Content::File {
            file: redo,
            start: PAYLOAD + self.old,
            length: self.new,
        }
    }

    /// Returns whether the bytes are all there. If not, `P` was never touched:
    /// that happens only after they are written.
    pub fn is_whole(&self, redo: &File) -> io::Result<bool> {
        let there = redo.size()?.saturating_sub(PAYLOAD);
        if self.old.checked_add(self.new) != Some(there) {
            return Ok(false);
        }
        let mut checksum = 0;
        let all = Content::File {
            file: redo,
            start: PAYLOAD,
            length: there,
        };
        match all.each(|piece, _| {
            checksum = crc32c::crc32c_append(checksum, piece);
            Ok(())
        }) {
            // It was cut meanwhile: the writer is done, and this reader has no
            // lock.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
            Ok(()) => Ok(checksum == self.checksum),
        }
    }

    fn to_block(self) -> [u8; BLOCK] {
        let mut block = block::new(KIND);
        block[12..16].copy_from_slice(&self.checksum.to_le_bytes());
        let numbers = [self.from, self.old, self.new, self.boot, self.before];
        for (at, number) in (16..).step_by(8).zip(numbers) {
            block[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        block[56] = self.mark.unwrap_or(0);
        block[57] = u8::from(self.back);
        block[58] = u8::from(self.mark.is_none());
        block::sealed(block)
    }

    /// Records that the change begins. The bytes are there already.
    pub fn write(self, redo: &File, generation: Generation) -> io::Result<()> {
        block::write(redo, generation, self.to_block(), &[])
    }

    /// Changes the record that is there already.
    pub fn write_again(self, redo: &File) -> io::Result<()> {
        redo.write_all_at(&self.to_block(), IDLE)
    }

    /// Parses a whole block of this kind.
    pub fn at(block: &[u8; BLOCK]) -> PendingOverwrite {
        PendingOverwrite {
            checksum: u32_at(block, 12),
            from: u64_at(block, 16),
            old: u64_at(block, 24),
            new: u64_at(block, 32),
            boot: u64_at(block, 40),
            before: u64_at(block, 48),
            mark: (block[58] == 0).then_some(block[56]),
            back: block[57] != 0,
        }
    }

    /// Reads the record in this file; `None` if it has none of this kind.
    pub fn read(redo: &File) -> io::Result<Option<PendingOverwrite>> {
        let block = block::read_kind(redo, KIND)?;
        Ok(block.map(|block| PendingOverwrite::at(&block)))
    }
}
