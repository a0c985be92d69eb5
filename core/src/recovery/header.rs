//! Kind 2: a header stamp, and what is appended in the same step: both, or
//! neither.
//!
//! ```text
//! offset  bytes
//!     64      8  "pending\n"
//!     72      4  kind: 2
//!     76      4  how many pieces are appended; 0: nothing is
//!     80     24  identity of the journal
//!    104      8  start: its length before
//!    112      8  length of what is appended
//!    120      4  L, the length of the header line with its newline
//!    124      4  CRC-32C of the 60 bytes before
//!    128      4  length of the header as it was, without its padding
//!    132      4  length of the header as it will be, without its padding
//!    136         both headers
//!                the pieces: pieces.rs
//!             4  CRC-32C of all from 128 on
//! ```

use std::io;
use std::path::Path;

use super::append::{self, Part, Undone};
use super::block;
use super::pieces::{Pieces, WayBack};
use crate::error::{Error, Result};
use crate::lockfile::{BLOCK, Generation, IDLE, Identity, u32_at, u64_at};
use crate::sys::{Access, File, InTheWay};

pub(crate) const KIND: u32 = 2;

/// A header stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingStamp {
    pub of: Identity,
    pub start: u64,
    /// The pieces that are appended in the same step.
    pub pieces: Pieces,
    pub old: Line,
    pub new: Line,
    end: u64,
}

/// The same stamp, as its record is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StampNote<'a> {
    pub of: Identity,
    pub start: u64,
    /// The lines that are appended in the same step.
    pub lines: &'a [u8],
    /// The headers, both without padding and newline.
    pub old: &'a [u8],
    pub new: &'a [u8],
    /// The length of their line, with its newline.
    pub line: usize,
}

impl StampNote<'_> {
    /// Returns all that the lock file holds while the stamp is pending.
    pub fn encode(&self, generation: Generation) -> Vec<u8> {
        let mut block = block::new(KIND);
        let pieces = Pieces::of(self.start, self.lines);
        block[12..16].copy_from_slice(&pieces.count().to_le_bytes());
        self.of.put(&mut block[16..40]);
        block[40..48].copy_from_slice(&self.start.to_le_bytes());
        block[48..56].copy_from_slice(&pieces.length().to_le_bytes());
        // Headers are at most 1 GiB.
        let length = u32::try_from(self.line).unwrap_or(u32::MAX);
        block[56..60].copy_from_slice(&length.to_le_bytes());
        let mut into = generation.to_block().to_vec();
        into.extend_from_slice(&block::sealed(block));
        for text in [self.old, self.new] {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            into.extend_from_slice(&length.to_le_bytes());
        }
        into.extend_from_slice(self.old);
        into.extend_from_slice(self.new);
        pieces.put(&mut into);
        let checksum = crc32c::crc32c(&into[2 * BLOCK..]);
        into.extend_from_slice(&checksum.to_le_bytes());
        into.extend_from_slice(&WayBack::NONE);
        into
    }
}

impl PendingStamp {
    /// Returns the offset at which the record ends.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Reads the record. Returns `None` if the lines were cut short.
    pub(crate) fn read(lock: &File, block: &[u8; BLOCK]) -> io::Result<Option<PendingStamp>> {
        let length = u32_at(block, 56) as usize;
        let after = IDLE + BLOCK as u64;
        let size = lock.size()?.saturating_sub(after);
        let mut lengths = [0; 8];
        if lock.read_full_at(&mut lengths, after)? < lengths.len() {
            return Ok(None);
        }
        let [old, new] = [0, 4].map(|at| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&lengths[at..at + 4]);
            u32::from_le_bytes(bytes) as usize
        });
        let pieces = Pieces::room(u32_at(block, 12));
        // The check comes before so much memory is taken.
        if size < (old + new + 12) as u64 + pieces || old >= length || new >= length {
            return Ok(None);
        }
        let pieces = usize::try_from(pieces).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut all = vec![0; old + new + pieces + 12];
        let n = lock.read_full_at(&mut all, after)?;
        let (all, checksum) = all.split_at(old + new + pieces + 8);
        if n < all.len() + 4 || checksum != crc32c::crc32c(all).to_le_bytes() {
            return Ok(None);
        }
        let (lines, pieces) = all[8..].split_at(old + new);
        let (old, new) = lines.split_at(old);
        let Some(pieces) = Pieces::parse(pieces) else {
            return Ok(None);
        };
        Ok(Some(PendingStamp {
            of: Identity::at(block, 16),
            start: u64_at(block, 40),
            pieces,
            end: after + n as u64,
            old: Line::new(old, length),
            new: Line::new(new, length),
        }))
    }
}

/// The line of a header: its text, and spaces up to its newline. The spaces are
/// not in memory before the journal is known to be that long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    text: Vec<u8>,
    /// The length with the newline: more than the text.
    length: usize,
}

impl Line {
    fn new(text: &[u8], length: usize) -> Line {
        let text = text.to_vec();
        Line { text, length }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns whether these bytes are this line.
    pub fn is(&self, bytes: &[u8]) -> bool {
        let rest = bytes.strip_prefix(&self.text[..]);
        let spaces = rest.and_then(|rest| rest.strip_suffix(b"\n"));
        bytes.len() == self.length
            && spaces.is_some_and(|spaces| spaces.iter().all(|byte| *byte == b' '))
    }

    pub fn to_vec(&self) -> Vec<u8> {
        let mut line = self.text.clone();
        line.resize(self.length - 1, b' ');
        line.push(b'\n');
        line
    }

    /// Returns the line without the spaces.
    pub fn to_short(&self) -> Vec<u8> {
        [&self.text[..], b"\n"].concat()
    }
}

/// Settles the stamp of a writer that died before its end.
pub(crate) fn settle(lock: &File, target: &Path, pending: &PendingStamp) -> Result<()> {
    let os_error = |error| Error::os("recover", target, error);
    let journal = match File::open(target, Access::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // So the name means another file.
        Err(error) if InTheWay::of(&error).is_some() => return Ok(()),
        result => result.map_err(os_error)?,
    };
    if Identity::of(&journal).map_err(os_error)? != pending.of {
        return Ok(());
    }
    let part = Part {
        start: pending.start,
        pieces: &pending.pieces,
        way_back: WayBack::new(lock, pending.end()),
    };
    let done =
        pending.pieces.is_empty() || append::undo_in(&journal, target, &part)? == Undone::Whole;
    // A line that is longer than the journal is not the journal's.
    if pending.old.len() as u64 <= journal.size().map_err(os_error)? {
        let (old, new) = (pending.old.to_vec(), pending.new.to_vec());
        let wanted = if done { &new } else { &old };
        let mut now = vec![0; wanted.len()];
        let n = journal.read_full_at(&mut now, 0).map_err(os_error)?;
        now.truncate(n);
        if now != *wanted && is_mixture(&now, &old, &new) {
            journal.write_all_at(wanted, 0).map_err(os_error)?;
        }
    }
    // It syncs before the record is cleared. Otherwise a power cut could bring
    // half of it back, with no record left that says so.
    journal.sync_data().map_err(os_error)
}

/// Returns whether a part of the one line over the other can look like `now`.
/// If not, another program has written there since.
fn is_mixture(now: &[u8], old: &[u8], new: &[u8]) -> bool {
    now.len() == old.len()
        && now
            .iter()
            .zip(old.iter().zip(new))
            .all(|(now, (old, new))| now == old || now == new)
}
