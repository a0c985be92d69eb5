//! The block that says what is under way, whatever its kind.

use std::io;

use crate::lockfile::{BLOCK, Generation, IDLE, clear_stamp, is_whole, seal, u32_at};
use crate::sys::File;

const PENDING: &[u8; 8] = b"pending\n";

/// A block of this kind, which says nothing else yet.
pub(crate) fn new(kind: u32) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..8].copy_from_slice(PENDING);
    block[8..12].copy_from_slice(&kind.to_le_bytes());
    block
}

/// The same, sealed: nothing more is said.
pub(crate) fn sealed(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    seal(&mut block);
    block
}

/// The block that is there; `None` if none that can be believed.
pub(crate) fn read(lock: &File) -> io::Result<Option<[u8; BLOCK]>> {
    let mut block = [0; BLOCK];
    let n = lock.read_full_at(&mut block, IDLE)?;
    let believed = n == BLOCK && &block[..8] == PENDING && is_whole(&block);
    Ok(believed.then_some(block))
}

/// [`read`], where it is of this kind.
pub(crate) fn read_kind(lock: &File, kind: u32) -> io::Result<Option<[u8; BLOCK]>> {
    Ok(read(lock)?.filter(|block| kind_of(block) == kind))
}

pub(crate) fn kind_of(block: &[u8; BLOCK]) -> u32 {
    u32_at(block, 8)
}

/// Notes down what begins. One write of all of it, so that a lock file that was
/// empty needs no second.
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

/// Nothing is pending any more. Where the file can't be cut, zeros say so.
pub(crate) fn clear_pending(lock: &File) -> io::Result<()> {
    lock.set_len(IDLE).or_else(|_| clear_stamp(lock))
}
