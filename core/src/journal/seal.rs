//! Seals: a checksum behind each record that every JSON reader takes for white
//! space.
//!
//! The record, one TAB, then 32 characters (a CRC-32C, most significant bit
//! first; space is 0 and TAB is 1), then one flag: space is the last record of
//! its append, TAB says that more of the same append follow. The checksum is of
//! the record, the flag, and the checksum (little-endian; zero for the first)
//! of the record before it in the same append.

use std::io;

use crate::fs::File;

/// How many bytes a seal takes, without the newline.
pub(super) const LENGTH: usize = 34;
const BITS: usize = 32;

/// What a seal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    pub checksum: u32,
    /// Whether it ends its append.
    pub last: bool,
}

impl Seal {
    /// The seal of a record with this checksum of its own, behind one whose
    /// seal says `before` (0: none in the same append).
    pub fn of(record: u32, last: bool, before: u32) -> Seal {
        let checksum = crc32c::crc32c_append(record, &[flag(last)]);
        Seal {
            checksum: crc32c::crc32c_append(checksum, &before.to_le_bytes()),
            last,
        }
    }

    pub fn to_bytes(self) -> [u8; LENGTH] {
        let mut bytes = [b'\t'; LENGTH];
        for (place, byte) in bytes[1..=BITS].iter_mut().enumerate() {
            if self.checksum << place >> (BITS - 1) == 0 {
                *byte = b' ';
            }
        }
        bytes[LENGTH - 1] = flag(self.last);
        bytes
    }

    fn of_bytes(bytes: &[u8]) -> Option<Seal> {
        let (tab, rest) = bytes.split_first()?;
        if bytes.len() != LENGTH || *tab != b'\t' {
            return None;
        }
        let mut checksum = 0_u32;
        for byte in &rest[..BITS] {
            checksum = checksum << 1
                | match byte {
                    b' ' => 0,
                    b'\t' => 1,
                    _ => return None,
                };
        }
        let last = match rest[BITS] {
            b' ' => true,
            b'\t' => false,
            _ => return None,
        };
        Some(Seal { checksum, last })
    }

    /// What the next line of the same append is chained to; 0: the next line
    /// begins another append.
    pub fn chain(self) -> Option<u32> {
        (!self.last).then_some(self.checksum)
    }
}

fn flag(last: bool) -> u8 {
    if last { b' ' } else { b'\t' }
}

/// The record and its seal; `None` if the line has none.
#[inline]
pub(super) fn split(line: &[u8]) -> Option<(&[u8], Seal)> {
    let place = line.len().checked_sub(LENGTH).filter(|place| *place > 0)?;
    let (record, seal) = line.split_at(place);
    Some((record, Seal::of_bytes(seal)?))
}

/// Whether the seal is that of this record, in an append that goes on behind
/// the record before, or begins here.
pub(super) fn is_good(record: &[u8], seal: Seal, before: Option<u32>) -> bool {
    Seal::of(crc32c::crc32c(record), seal.last, before.unwrap_or(0)) == seal
}

/// Records of one append as they are added: the last of them says so, until
/// another follows.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    /// Of the last record: its own checksum, and the seal's of the one before.
    last: Option<(u32, u32)>,
}

impl Chain {
    /// Adds a record to the lines of its append.
    pub fn add(&mut self, lines: &mut Vec<u8>, record: &[u8]) {
        let before = match self.last {
            None => 0,
            Some((own, before)) => {
                // It is not the last any more.
                let seal = Seal::of(own, false, before);
                let stop = lines.len() - 1;
                lines[stop - LENGTH..stop].copy_from_slice(&seal.to_bytes());
                seal.checksum
            }
        };
        let own = crc32c::crc32c(record);
        lines.extend_from_slice(record);
        lines.extend_from_slice(&Seal::of(own, true, before).to_bytes());
        lines.push(b'\n');
        self.last = Some((own, before));
    }
}

/// What the line that begins at `offset` is chained to, by the line before.
pub(super) fn chain_before(file: &File, offset: u64) -> io::Result<Option<u32>> {
    chain_by(|buffer, at| file.read_full_at(buffer, at), offset)
}

/// The same, whatever it is that is read.
pub(super) fn chain_by(
    read: impl FnOnce(&mut [u8], u64) -> io::Result<usize>,
    offset: u64,
) -> io::Result<Option<u32>> {
    let mut bytes = [0; LENGTH + 1];
    let Some(start) = offset.checked_sub(bytes.len() as u64) else {
        return Ok(None);
    };
    let n = read(&mut bytes, start)?;
    if n < bytes.len() || bytes[LENGTH] != b'\n' {
        return Ok(None);
    }
    Ok(Seal::of_bytes(&bytes[..LENGTH]).and_then(Seal::chain))
}

/// Whether a file of this size ends as an append does: quickly, by the last
/// seal alone.
pub(super) fn ends_well(file: &File, size: u64) -> io::Result<bool> {
    let mut last = [0];
    let newline = size == 0 || file.read_full_at(&mut last, size - 1)? == 1 && last == *b"\n";
    Ok(newline && chain_before(file, size)?.is_none())
}

/// Where the torn tail begins: at the first record of a last append whose final
/// record is missing, or of which any is wrong. `None`: there is no such tail.
pub(super) fn torn_tail(file: &File, size: u64) -> io::Result<Option<u64>> {
    let mut reach = 64 * 1024;
    loop {
        let start = size.saturating_sub(reach);
        let length = usize::try_from(size - start).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = vec![0; length];
        let n = file.read_full_at(&mut bytes, start)?;
        bytes.truncate(n);
        match last_append(&bytes, start == 0) {
            None => reach = reach.saturating_mul(4),
            Some(append) => {
                let torn = !append.whole || !is_chained(&bytes[append.start..]);
                let place = start + append.start as u64;
                return Ok((torn && append.start < n).then_some(place));
            }
        }
    }
}

struct Last {
    start: usize,
    /// Whether it ends in a final record and its newline.
    whole: bool,
}

/// The last append in these bytes; `None` if it begins before them.
fn last_append(bytes: &[u8], from_start: bool) -> Option<Last> {
    let mut start = match memchr::memrchr(b'\n', bytes) {
        Some(newline) => newline + 1,
        None if from_start => 0,
        None => return None,
    };
    let mut whole = start == bytes.len();
    let mut first = true;
    while start > 0 {
        let stop = start - 1;
        let begin = match memchr::memrchr(b'\n', &bytes[..stop]) {
            Some(newline) => newline + 1,
            None if from_start => 0,
            None => return None,
        };
        let line = &bytes[begin..stop];
        let nuls = memchr::memchr(0, line).is_some();
        let belongs = match split(line) {
            // The last line ends the append; those before go on.
            Some((_, seal)) => !seal.last || first && whole,
            // A gap that a power cut left.
            None => nuls,
        };
        if first && whole {
            whole = !nuls && split(line).is_none_or(|(_, seal)| seal.last);
        }
        first = false;
        if !belongs {
            break;
        }
        start = begin;
    }
    Some(Last { start, whole })
}

/// Whether every line of this append is what its seal says.
fn is_chained(lines: &[u8]) -> bool {
    let mut before = None;
    lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .all(|line| match split(line) {
            Some((record, seal)) => {
                let good = is_good(record, seal, before);
                before = seal.chain();
                good
            }
            None => true,
        })
}

/// The seal that ends an append at `stop`, where its last records are taken
/// away; `None` if the line before `stop` is the last of its append already.
pub(super) fn closing(file: &File, stop: u64) -> io::Result<Option<[u8; LENGTH + 1]>> {
    if chain_before(file, stop)?.is_none() {
        return Ok(None);
    }
    let mut reach = 4096;
    loop {
        let start = stop.saturating_sub(reach);
        let length = usize::try_from(stop - start).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = vec![0; length];
        let n = file.read_full_at(&mut bytes, start)?;
        if n < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = match memchr::memrchr(b'\n', &bytes[..length - 1]) {
            Some(newline) => newline + 1,
            None if start == 0 => 0,
            None => {
                reach *= 4;
                continue;
            }
        };
        let Some((record, _)) = split(&bytes[line..length - 1]) else {
            return Ok(None);
        };
        let before = chain_before(file, start + line as u64)?;
        let seal = Seal::of(crc32c::crc32c(record), true, before.unwrap_or(0));
        let mut closing = [b'\n'; LENGTH + 1];
        closing[..LENGTH].copy_from_slice(&seal.to_bytes());
        return Ok(Some(closing));
    }
}

#[cfg(test)]
mod tests {
    use super::{Chain, Seal, is_chained, is_good, last_append, split};

    fn lines(count: usize) -> Vec<u8> {
        let mut lines = Vec::new();
        let mut chain = Chain::default();
        for n in 0..count {
            chain.add(&mut lines, format!("[{n}]").as_bytes());
        }
        lines
    }

    #[test]
    fn there_and_back() {
        for checksum in [0, 1, 0x8000_0000, 0xdead_beef, u32::MAX] {
            for last in [false, true] {
                let seal = Seal { checksum, last };
                let line = [b"[1]", &seal.to_bytes()[..]].concat();
                assert_eq!(split(&line), Some((&b"[1]"[..], seal)));
            }
        }
        assert_eq!(split(b"[1]"), None);
        assert_eq!(split(&[b' '; 200]), None);
    }

    #[test]
    fn any_change_shows() {
        let whole = lines(4);
        assert!(is_chained(&whole));
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            let unsealed = changed
                .split(|byte| *byte == b'\n')
                .any(|line| !line.is_empty() && split(line).is_none());
            assert!(unsealed || !is_chained(&changed), "byte {at}");
        }
        // A line taken out, or two in the other order.
        let each: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
        assert!(!is_chained(&[each[0], each[2], each[3]].concat()));
        assert!(!is_chained(&[each[0], each[2], each[1], each[3]].concat()));
        assert!(!is_chained(&[each[1], each[2], each[3]].concat()));
    }

    #[test]
    fn one_by_itself() {
        let one = lines(1);
        let (record, seal) = split(&one[..one.len() - 1]).unwrap();
        assert!(seal.last && is_good(record, seal, None));
        assert!(!is_good(record, seal, Some(1)));
        let both = [&one[..], &lines(3)[..]].concat();
        let last = last_append(&both, true).unwrap();
        assert_eq!((last.start, last.whole), (one.len(), true));
        let last = last_append(&both[..both.len() - 1], true).unwrap();
        assert_eq!((last.start, last.whole), (one.len(), false));
    }
}
