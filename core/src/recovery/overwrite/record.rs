//! Kind 6: a write in place, as `P.redo` notes it.

use std::io;
use std::sync::OnceLock;

use super::content::Content;
use crate::lockfile::{BLOCK, Generation, IDLE, u32_at, u64_at};
use crate::recovery::block;
use crate::sys::{self, File};

pub(crate) const KIND: u32 = 6;

/// This start of the machine, as a number; 0 where the system does not say.
/// While it lasts, nothing that a process wrote is lost or reordered.
pub(crate) fn boot() -> u64 {
    static BOOT: OnceLock<u64> = OnceLock::new();
    *BOOT.get_or_init(|| sys::boot_id().map_or(0, |id| xxhash_rust::xxh3::xxh3_64(id.as_bytes())))
}

/// Where the old bytes begin in `P.redo`; the new ones follow.
pub(crate) const PAYLOAD: u64 = 128;

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

    /// Whether the bytes are all there. If not, `P` was never touched: it is
    /// only after they are.
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
            // Cut meanwhile: the writer is done, and we have no lock.
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

    /// Notes down that it begins: the bytes are there already.
    pub fn write(self, redo: &File, generation: Generation) -> io::Result<()> {
        block::write(redo, generation, self.to_block(), &[])
    }

    /// Changes what is noted already.
    pub fn write_again(self, redo: &File) -> io::Result<()> {
        redo.write_all_at(&self.to_block(), IDLE)
    }

    /// What a whole block of this kind says.
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

    /// What is noted in this file; `None` if nothing of this kind.
    pub fn read(redo: &File) -> io::Result<Option<PendingOverwrite>> {
        let block = block::read_kind(redo, KIND)?;
        Ok(block.map(|block| PendingOverwrite::at(&block)))
    }
}
