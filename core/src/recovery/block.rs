//! The block that says what is under way, for all kinds.

use std::io;

use crate::lockfile::{BLOCK, Generation, IDLE, clear_stamp, is_whole, seal, u32_at};
use crate::sys::File;

const PENDING: &[u8; 8] = b"pending\n";

/// Returns a block of this kind, with no other content yet.
pub(crate) fn new(kind: u32) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..8].copy_from_slice(PENDING);
    block[8..12].copy_from_slice(&kind.to_le_bytes());
    block
}

/// Seals the block, so that nothing more can be added.
pub(crate) fn sealed(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    seal(&mut block);
    block
}

/// Reads the block; `None` if none can be believed.
pub(crate) fn read(lock: &File) -> io::Result<Option<[u8; BLOCK]>> {
    let mut block = [0; BLOCK];
    let n = lock.read_full_at(&mut block, IDLE)?;
    let believed = n == BLOCK && &block[..8] == PENDING && is_whole(&block);
    Ok(believed.then_some(block))
}

/// Reads the block if it is of this kind.
pub(crate) fn read_kind(lock: &File, kind: u32) -> io::Result<Option<[u8; BLOCK]>> {
    Ok(read(lock)?.filter(|block| kind_of(block) == kind))
}

pub(crate) fn kind_of(block: &[u8; BLOCK]) -> u32 {
    u32_at(block, 8)
}

/// Records what begins. One write stores all of it, so that an empty lock file
/// needs no second.
pub(crate) fn write(
    lock: &File,
    generation: Generation,
    block: [u8; BLOCK],
    behind: &[u8],
) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(2 * BLOCK + behind.len());
    bytes.extend_from_slice(&generation.to_block());
    bytes.extend_from_slice(&block);
    bytes.extend_from_slice(behind);
    lock.write_all_at(&bytes, 0)
}

/// Records that nothing is pending any more. Zeros say so if the file can't be
/// cut.
pub(crate) fn clear_pending(lock: &File) -> io::Result<()> {
    lock.set_len(IDLE).or_else(|_| clear_stamp(lock))
}
