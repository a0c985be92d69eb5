//! Reads the seals in a file, to find how its last append ends.

use std::io;

use crate::journal::read::{Backward, Bytes};
use crate::seal::Seal;
pub(crate) use crate::seal::{Chain, LENGTH, is_good, split};

/// Returns the checksum that chains the line at `offset` to the line before.
pub(crate) fn chain_before(bytes: &impl Bytes, offset: u64) -> io::Result<Option<u32>> {
    Ok(seal_before(bytes, offset)?.and_then(Seal::chain))
}

/// Returns the seal of the line that ends at `offset`.
fn seal_before(bytes: &impl Bytes, offset: u64) -> io::Result<Option<Seal>> {
    let mut last = [0; LENGTH + 1];
    let Some(start) = offset.checked_sub(last.len() as u64) else {
        return Ok(None);
    };
    let n = bytes.read_full_at(&mut last, start)?;
    if n < last.len() || last[LENGTH] != b'\n' {
        return Ok(None);
    }
    Ok(Seal::of_bytes(&last[..LENGTH]))
}

/// Returns whether a file of this size ends as an append does. It is quick: it reads
/// the last seal alone.
pub(crate) fn ends_well(bytes: &impl Bytes, size: u64) -> io::Result<bool> {
    let mut last = [0];
    let newline = size == 0 || bytes.read_full_at(&mut last, size - 1)? == 1 && last == *b"\n";
    Ok(newline && chain_before(bytes, size)?.is_none())
}

/// Returns where the last append begins, if its final record is missing.
pub(crate) fn unfinished(bytes: &impl Bytes, size: u64) -> io::Result<Option<u64>> {
    // The usual case, with one read.
    if size == 0 || seal_before(bytes, size)?.is_some_and(|seal| seal.last) {
        return Ok(None);
    }
    let last = last_append(bytes, size)?;
    Ok((!last.whole && last.start < size).then_some(last.start))
}

/// Returns where the torn tail begins: at the first record of the last append. That
/// append is torn if its final record is missing, or if any of its seals is wrong.
/// `None`: the file has no such tail.
pub(crate) fn torn_tail(bytes: &impl Bytes, size: u64) -> io::Result<Option<u64>> {
    let last = last_append(bytes, size)?;
    let torn = !last.whole || !is_chained(bytes, last.start, size)?;
    Ok((torn && last.start < size).then_some(last.start))
}

#[derive(Debug, PartialEq, Eq)]
struct Last {
    start: u64,
    /// Whether it ends in a final record and its newline.
    whole: bool,
}

/// Finds the last append in a file of `size` bytes.
fn last_append(bytes: &impl Bytes, size: u64) -> io::Result<Last> {
    let mut backward = Backward::new(bytes);
    let mut start = line_start(&mut backward, size)?;
    let mut whole = start == size;
    let mut first = true;
    while start > 0 {
        let newline = start - 1;
        let begin = line_start(&mut backward, newline)?;
        let mut line = Line::default();
        backward.each(begin, newline, |piece| line.add(piece))?;
        let belongs = match line.seal() {
            // The last line ends the append; the lines before say that more follow.
            Some(seal) => !seal.last || first && whole,
            // A gap that a power cut left.
            None => line.nuls,
        };
        if first && whole {
            whole = !line.nuls && line.seal().is_none_or(|seal| seal.last);
        }
        first = false;
        if !belongs {
            break;
        }
        start = begin;
    }
    Ok(Last { start, whole })
}

fn line_start(backward: &mut Backward<'_, impl Bytes>, stop: u64) -> io::Result<u64> {
    Ok(backward.newline_before(stop)?.map_or(0, |at| at + 1))
}

/// Returns whether every line of this append matches its seal.
fn is_chained(bytes: &impl Bytes, start: u64, stop: u64) -> io::Result<bool> {
    let mut line = Line::default();
    let (mut before, mut good) = (None, true);
    Backward::new(bytes).each(start, stop, |piece| {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let Some(rest) = part.strip_suffix(b"\n") else {
                line.add(part);
                continue;
            };
            line.add(rest);
            let line = std::mem::take(&mut line);
            if let Some(seal) = line.seal() {
                good &= Seal::of(line.checksum, seal.last, before.unwrap_or(0)) == seal;
                before = seal.chain();
            }
        }
    })?;
    Ok(good)
}

/// Returns whether these bytes are an append that has lost only its last newline. Then
/// every seal matches, and the last says that no record follows.
pub(crate) fn is_whole_append(bytes: &impl Bytes, start: u64, stop: u64) -> io::Result<bool> {
    let (mut before, mut good, mut ended) = (None, true, false);
    let mut end = |line: Line| match line.seal().filter(|_| !ended && !line.nuls) {
        Some(seal) => {
            good &= Seal::of(line.checksum, seal.last, before.unwrap_or(0)) == seal;
            before = seal.chain();
            ended = seal.last;
        }
        None => good = false,
    };
    let mut line = Line::default();
    Backward::new(bytes).each(start, stop, |piece| {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let whole = part.strip_suffix(b"\n");
            line.add(whole.unwrap_or(part));
            if whole.is_some() {
                end(std::mem::take(&mut line));
            }
        }
    })?;
    end(line);
    Ok(good && ended)
}

/// Takes a line in pieces, so that its length needs no memory.
#[derive(Default)]
struct Line {
    length: u64,
    /// Covers all but the last bytes, which may be a seal.
    checksum: u32,
    last: Vec<u8>,
    nuls: bool,
}

impl Line {
    fn add(&mut self, piece: &[u8]) {
        self.length += piece.len() as u64;
        self.nuls = self.nuls || memchr::memchr(0, piece).is_some();
        let keep = piece.len().min(LENGTH);
        let (front, back) = piece.split_at(piece.len() - keep);
        let out = (self.last.len() + keep).saturating_sub(LENGTH);
        self.checksum = crc32c::crc32c_append(self.checksum, &self.last[..out]);
        self.checksum = crc32c::crc32c_append(self.checksum, front);
        self.last.drain(..out);
        self.last.extend_from_slice(back);
    }

    fn seal(&self) -> Option<Seal> {
        (self.length > LENGTH as u64)
            .then(|| Seal::of_bytes(&self.last))
            .flatten()
    }
}

/// Returns the seal that ends an append at `stop`, if its last records are removed.
/// `None`: the line before `stop` already ends its append.
pub(crate) fn closing(bytes: &impl Bytes, stop: u64) -> io::Result<Option<[u8; LENGTH + 1]>> {
    if chain_before(bytes, stop)?.is_none() {
        return Ok(None);
    }
    let newline = stop - 1;
    let mut backward = Backward::new(bytes);
    let start = line_start(&mut backward, newline)?;
    let mut line = Line::default();
    backward.each(start, newline, |piece| line.add(piece))?;
    if line.seal().is_none() {
        return Ok(None);
    }
    let before = chain_before(bytes, start)?;
    let seal = Seal::of(line.checksum, true, before.unwrap_or(0));
    let mut closing = [b'\n'; LENGTH + 1];
    closing[..LENGTH].copy_from_slice(&seal.to_bytes());
    Ok(Some(closing))
}

#[cfg(test)]
mod tests {
    use super::{Last, is_chained, last_append, torn_tail};
    use crate::seal::{Chain, split};

    fn lines(count: usize) -> Vec<u8> {
        let mut lines = Vec::new();
        let mut chain = Chain::default();
        for n in 0..count {
            chain.add(&mut lines, format!("[{n}]").as_bytes());
        }
        lines
    }

    fn chained(lines: &[u8]) -> bool {
        is_chained(&lines, 0, lines.len() as u64).unwrap()
    }

    #[test]
    fn any_change_shows() {
        let whole = lines(4);
        assert!(chained(&whole));
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            let unsealed = changed
                .split(|byte| *byte == b'\n')
                .any(|line| !line.is_empty() && split(line).is_none());
            assert!(unsealed || !chained(&changed), "byte {at}");
        }
        // One line is missing, or two have changed places.
        let each: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
        assert!(!chained(&[each[0], each[2], each[3]].concat()));
        assert!(!chained(&[each[0], each[2], each[1], each[3]].concat()));
        assert!(!chained(&[each[1], each[2], each[3]].concat()));
    }

    #[test]
    fn the_last_one() {
        let one = lines(1);
        let both = [&one[..], &lines(3)[..]].concat();
        let start = one.len() as u64;
        for (stop, whole) in [(both.len(), true), (both.len() - 1, false)] {
            let last = last_append(&&both[..stop], stop as u64).unwrap();
            assert_eq!(last, Last { start, whole });
        }
        assert_eq!(torn_tail(&&both[..], both.len() as u64).unwrap(), None);
        // The append is longer than a piece, and its first record is wrong.
        let mut long = [&one[..], &lines(20_000)[..]].concat();
        assert_eq!(torn_tail(&&long[..], long.len() as u64).unwrap(), None);
        long[one.len() + 1] ^= 1;
        let torn = torn_tail(&&long[..], long.len() as u64).unwrap();
        assert_eq!(torn, Some(start));
    }
}
