//! Reads and writes the blocks of a lock file.

use std::io;

use crate::sys::File;

/// The length in bytes up to which a lock file has nothing pending.
pub(crate) const IDLE: u64 = BLOCK as u64;
pub(crate) const BLOCK: usize = 64;
pub(crate) const MAGIC: &[u8; 8] = b"untorn1\n";

/// Returns whether this library wrote the content, or the file has none. The lock file
/// is seldom synced, so a power cut may leave only NULs of it. Its writer may also have
/// died or failed after the first bytes. A writer that failed then sets the length,
/// which puts NULs after these bytes.
pub(crate) fn is_ours(lock: &File) -> io::Result<bool> {
    let mut head = [0; MAGIC.len()];
    let n = lock.read_full_at(&mut head, 0)?;
    let magic = MAGIC.iter().zip(&head[..n]).take_while(|(a, b)| a == b);
    let begun = magic.count();
    Ok(begun == MAGIC.len() || is_nul_from(lock, begun as u64)?)
}

/// Returns whether only NULs follow, up to the length of the longest record.
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

/// Returns the same for a `P.redo`, whose name no other program uses. Its head is
/// written last, so after a crash the head may be missing, or partly written.
pub(crate) fn is_our_redo(redo: &File) -> io::Result<bool> {
    let mut head = *MAGIC;
    let n = redo.read_full_at(&mut head, 0)?;
    let same = head[..n].iter().zip(MAGIC).take_while(|(a, b)| a == b);
    Ok(head[same.count()..n].iter().all(|byte| *byte == 0))
}

pub(crate) fn seal(block: &mut [u8; BLOCK]) {
    let checksum = crc32c::crc32c(&block[..60]);
    block[60..64].copy_from_slice(&checksum.to_le_bytes());
}

#[inline]
pub(crate) fn is_whole(block: &[u8; BLOCK]) -> bool {
    u32_at(block, 60) == crc32c::crc32c(&block[..60])
}

pub(crate) fn u64_at(block: &[u8; BLOCK], at: usize) -> u64 {
    u64_of(&block[at..at + 8])
}

pub(crate) fn u64_of(eight: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(eight);
    u64::from_le_bytes(bytes)
}

pub(crate) fn u32_at(block: &[u8; BLOCK], at: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&block[at..at + 4]);
    u32::from_le_bytes(bytes)
}

/// Clears the mark of a stamp that is done, or of an append of many. To cut the file would
/// cost five times as much.
pub(crate) fn clear_stamp(lock: &File) -> io::Result<()> {
    lock.write_all_at(&[0; 8], IDLE)
}

/// Returns whether such a mark was cleared here, and nothing has begun since.
pub(crate) fn is_cleared(lock: &File) -> io::Result<bool> {
    let mut magic = [1; 8];
    Ok(lock.read_full_at(&mut magic, IDLE)? == magic.len() && magic == [0; 8])
}
