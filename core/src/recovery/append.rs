//! Kind 1: an append of many records.
//!
//! ```text
//! offset  bytes
//!     76      4  CRC-32C of what is at 128
//!     80     24  identity of the journal
//!    104      8  start: its length before
//!    112      8  length of what is appended
//!    120      4  how many pieces
//!    128         the pieces: pieces.rs
//! ```

use std::io;
use std::path::Path;

use super::block;
use super::pieces::{Pieces, WayBack, blank as write_blank};
use crate::error::{Error, Result};
use crate::events::{self, EventKind};
use crate::lockfile::{BLOCK, Generation, IDLE, Identity, u32_at, u64_at};
use crate::seal::{LENGTH, Seal};
use crate::sys::{Access, File, InTheWay};
use crate::torn::{self, Cut};

pub(crate) const KIND: u32 = 1;

/// An append of many records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingAppend {
    pub to: Identity,
    pub start: u64,
    pub pieces: Pieces,
}

impl PendingAppend {
    /// Returns the offset at which the record ends.
    pub fn end(&self) -> u64 {
        IDLE + BLOCK as u64 + Pieces::room(self.pieces.count())
    }

    /// Returns whether other programs have appended where it would have begun. `size`: the
    /// journal's.
    pub fn is_replaced(&self, journal: &File, size: u64) -> io::Result<bool> {
        let is_ours = |rest: &[u8]| self.pieces.goes_on_with(0, rest, None);
        Ok(self.start < size && is_of_others(journal, self.start, size, is_ours)?)
    }

    /// Records that the append begins.
    pub fn write(&self, lock: &File, generation: Generation) -> io::Result<()> {
        let mut pieces = Vec::new();
        self.pieces.put(&mut pieces);
        let mut block = block::new(KIND);
        block[12..16].copy_from_slice(&crc32c::crc32c(&pieces).to_le_bytes());
        self.to.put(&mut block[16..40]);
        block[40..48].copy_from_slice(&self.start.to_le_bytes());
        block[48..56].copy_from_slice(&self.pieces.length().to_le_bytes());
        block[56..60].copy_from_slice(&self.pieces.count().to_le_bytes());
        pieces.extend_from_slice(&WayBack::NONE);
        block::write(lock, generation, block::sealed(block), &pieces)
    }

    /// Reads a whole block of this kind. Returns `None` if the bytes after it
    /// were cut short.
    pub fn read(lock: &File, block: &[u8; BLOCK]) -> io::Result<Option<PendingAppend>> {
        let (count, checksum) = (u32_at(block, 56), u32_at(block, 12));
        let pieces = Pieces::read(lock, block, count, checksum)?;
        let length = u64_at(block, 48);
        let pieces = pieces.filter(|pieces| pieces.length() == length);
        Ok(pieces.map(|pieces| PendingAppend {
            to: Identity::at(block, 16),
            start: u64_at(block, 40),
            pieces,
        }))
    }
}

/// Removes the first part of an append, unless all of it is there.
pub(crate) fn undo(lock: &File, target: &Path, pending: &PendingAppend) -> Result<()> {
    let os_error = |error| Error::os("recover", target, error);
    let journal = match File::open(target, Access::Append) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // So the name means another file.
        Err(error) if InTheWay::of(&error).is_some() => return Ok(()),
        result => result.map_err(os_error)?,
    };
    let identity = Identity::of(&journal).map_err(os_error)?;
    if identity != pending.to {
        return Ok(());
    }
    let part = Part {
        start: pending.start,
        pieces: &pending.pieces,
        way_back: WayBack::new(lock, pending.end()),
    };
    let undone = undo_in(&journal, target, &part)?;
    if matches!(undone, Undone::Cut | Undone::Blanked) {
        // It syncs before the record is cleared. Otherwise a power cut could
        // bring half the append back, with no record left that says so.
        journal.sync_data().map_err(os_error)?;
    }
    Ok(())
}

/// The result of undoing an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undone {
    /// Nothing of it was written.
    NotBegun,
    /// All of it is there.
    Whole,
    /// A part was there, and is cut.
    Cut,
    /// A part was there, and blank lines have replaced it. Other programs have
    /// appended after it, and only a tail can be cut.
    Blanked,
}

/// An append of which a part may be in the journal.
pub(crate) struct Part<'a> {
    pub start: u64,
    pub pieces: &'a Pieces,
    pub way_back: WayBack<'a>,
}

pub(crate) fn undo_in(journal: &File, target: &Path, part: &Part<'_>) -> Result<Undone> {
    let os_error = |error| Error::os("recover", target, error);
    let (start, pieces) = (part.start, part.pieces);
    if let Some(length) = part.way_back.read().map_err(os_error)? {
        // The process that began this has already kept the bytes.
        let ours = !is_within_a_line(journal, start).map_err(os_error)?
            && pieces
                .may_be_blanked(journal, start, length)
                .map_err(os_error)?;
        if ours {
            blank(journal, target, start, length).map_err(os_error)?;
        }
        return Ok(Undone::Blanked);
    }
    loop {
        let size = journal.size().map_err(os_error)?;
        if size <= start || is_within_a_line(journal, start).map_err(os_error)? {
            return Ok(Undone::NotBegun);
        }
        let seen = pieces.look(journal, start, size).map_err(os_error)?;
        if seen.whole {
            return Ok(Undone::Whole);
        }
        let rest = start + seen.bytes;
        let chain = chain_in(journal, start, rest).map_err(os_error)?;
        let is_ours = |rest: &[u8]| pieces.goes_on_with(seen.bytes, rest, chain);
        if is_of_others(journal, rest, size, is_ours).map_err(os_error)? {
            if seen.bytes > 0 {
                keep_and_blank(journal, target, part, seen.bytes)?;
            }
            return Ok(Undone::Blanked);
        }
        let cut = Cut {
            offset: start,
            length: size - start,
            nuls: 0,
        };
        let kept = torn::keep(journal, target, cut)?;
        // A program that ignores the lock may have appended meanwhile.
        if journal.size().map_err(os_error)? != size {
            kept.take_back();
            continue;
        }
        if let Err(error) = journal.set_len(start) {
            // Otherwise each try would keep the bytes again.
            kept.take_back();
            return Err(os_error(error));
        }
        report(target, start, size - start);
        return Ok(Undone::Cut);
    }
}

/// Returns whether a line goes on at `start`. No append begins there. A program that
/// knows nothing of it has emptied the journal, and the bytes are others'. NULs are what
/// a power cut leaves of a line's end.
pub(crate) fn is_within_a_line(journal: &File, start: u64) -> io::Result<bool> {
    let mut before = [b'\n'];
    if let Some(at) = start.checked_sub(1) {
        journal.read_full_at(&mut before, at)?;
    }
    Ok(!matches!(before, [b'\n' | 0]))
}

/// Returns the checksum that chains a line at `at` to the line before, if that line of the
/// append from `start` on has a seal.
fn chain_in(journal: &File, start: u64, at: u64) -> io::Result<Option<u32>> {
    let mut bytes = [0; LENGTH + 1];
    let Some(from) = at
        .checked_sub(bytes.len() as u64)
        .filter(|from| *from > start)
    else {
        return Ok(None);
    };
    let n = journal.read_full_at(&mut bytes, from)?;
    let seal = bytes[..n].strip_suffix(b"\n").and_then(Seal::of_bytes);
    Ok(seal.and_then(Seal::chain))
}

/// Keeps the part that was written, and puts blank lines in its place.
fn keep_and_blank(journal: &File, target: &Path, part: &Part<'_>, length: u64) -> Result<()> {
    let cut = Cut {
        offset: part.start,
        length,
        nuls: 0,
    };
    let kept = torn::keep(journal, target, cut)?;
    // The record comes first: a half blank part can't be distinguished
    // from foreign bytes.
    if let Err(error) = part.way_back.write(length) {
        kept.take_back();
        return Err(Error::os("recover", target, error));
    }
    blank(journal, target, part.start, length)
        .map_err(|error| Error::os("recover", target, error))?;
    report(target, part.start, length);
    Ok(())
}

fn report(target: &Path, offset: u64, bytes: u64) {
    events::emit(EventKind::Undone, "recover", target, |event| {
        event.offset = Some(offset);
        event.bytes = Some(bytes);
        event.kept = Some(torn::path_for(target));
    });
}

/// Uses a descriptor of its own, since one that appends writes at the end only.
fn blank(journal: &File, target: &Path, start: u64, length: u64) -> io::Result<()> {
    let anywhere = File::open(target, Access::Write)?;
    if anywhere.id()? != journal.id()? {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    write_blank(&anywhere, start, length)
}

/// Returns whether other programs have appended the bytes from `start` on. Such
/// bytes are a line, or a whole value that has no newline yet and is not ours.
/// Anything else is a torn tail, of any program.
fn is_of_others(
    journal: &File,
    start: u64,
    size: u64,
    is_ours: impl FnOnce(&[u8]) -> bool,
) -> io::Result<bool> {
    let mut piece = vec![0; 65_536];
    let mut at = start;
    while at < size {
        let want = usize::try_from(size - at).map_or(piece.len(), |n| n.min(piece.len()));
        let n = journal.read_full_at(&mut piece[..want], at)?;
        if n == 0 {
            break;
        }
        if memchr::memchr(b'\n', &piece[..n]).is_some() {
            return Ok(true);
        }
        at += n as u64;
    }
    let length = size - start;
    if length == 0 || length > LONGEST {
        return Ok(false);
    }
    let mut text = vec![0; usize::try_from(length).unwrap_or(0)];
    let n = journal.read_full_at(&mut text, start)?;
    text.truncate(n);
    // A bare number may be half a number.
    let value = matches!(text.first(), Some(b'{' | b'[' | b'"'))
        && serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_ok();
    Ok(value && !is_ours(&text))
}

/// A value without a newline that is longer than usual records is kept in
/// `P.torn`.
const LONGEST: u64 = 64 << 20;
