//! The appended bytes in pieces. After a crash they distinguish a part of the
//! append from what other programs have appended after it.
//!
//! ```text
//! offset  bytes
//!      0      4  length of the first piece
//!      4      4  CRC-32C of the first piece
//!      8         the same of each piece
//! ```
//!
//! A piece ends with each line, and with each sector of the file. A process
//! that is killed in a write leaves whole pages, and the next program's bytes
//! begin there. A power cut leaves whole sectors.

use std::io;

use crate::lockfile::{BLOCK, IDLE, u64_of};
use crate::seal;
use crate::sys::File;

const SECTOR: u64 = 512;
/// The length of a blank line.
const BLANK: usize = 4096;
const ENTRY: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    /// At most a sector.
    length: u32,
    checksum: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pieces(Vec<Piece>);

/// The part of them that a journal holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The number of bytes that belong to this append.
    pub bytes: u64,
    /// Whether all of it is there.
    pub whole: bool,
}

/// A piece is no longer than a sector.
const WINDOW: usize = 64 * 1024;

impl Pieces {
    /// Splits lines that will be appended at this end of a journal.
    pub fn of(start: u64, lines: &[u8]) -> Pieces {
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            let room = SECTOR - (start + at as u64) % SECTOR;
            let most =
                usize::try_from(room).map_or(lines.len(), |room| (at + room).min(lines.len()));
            let stop = memchr::memchr(b'\n', &lines[at..most]).map_or(most, |line| at + line + 1);
            pieces.push(Piece {
                length: u32::try_from(stop - at).unwrap_or(u32::MAX),
                checksum: crc32c::crc32c(&lines[at..stop]),
            });
            at = stop;
        }
        Pieces(pieces)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of pieces.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Returns the length of all pieces together.
    pub fn length(&self) -> u64 {
        self.0.iter().map(|piece| u64::from(piece.length)).sum()
    }

    pub(crate) fn put(&self, into: &mut Vec<u8>) {
        into.reserve(self.0.len() * ENTRY + WayBack::NONE.len());
        let before = into.len();
        into.resize(before + self.0.len() * ENTRY, 0);
        let entries = into[before..].as_chunks_mut::<ENTRY>().0;
        for (entry, piece) in entries.iter_mut().zip(&self.0) {
            let both = u64::from(piece.length) | u64::from(piece.checksum) << 32;
            *entry = both.to_le_bytes();
        }
    }

    /// Returns the number of bytes that so many entries take.
    pub(crate) fn room(count: u32) -> u64 {
        u64::from(count) * ENTRY as u64
    }

    /// Parses the entries. Returns `None` if no append of ours can look so.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Pieces> {
        let mut pieces = Vec::with_capacity(bytes.len() / ENTRY);
        for entry in bytes.chunks_exact(ENTRY) {
            let (length, checksum) = entry.split_at(4);
            let number = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).ok();
            let piece = Piece {
                length: number(length)?,
                checksum: number(checksum)?,
            };
            if piece.length == 0 || u64::from(piece.length) > SECTOR {
                return None;
            }
            pieces.push(piece);
        }
        Some(Pieces(pieces))
    }

    /// Reads the entries after a record, which holds their checksum.
    pub(crate) fn read(
        lock: &File,
        block: &[u8; BLOCK],
        count: u32,
        checksum: u32,
    ) -> io::Result<Option<Pieces>> {
        let after = IDLE + block.len() as u64;
        // The check comes before so much memory is taken.
        if lock.size()?.saturating_sub(after) < Pieces::room(count) {
            return Ok(None);
        }
        let room = usize::try_from(Pieces::room(count)).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = vec![0; room];
        let n = lock.read_full_at(&mut bytes, after)?;
        if n < room || crc32c::crc32c(&bytes) != checksum {
            return Ok(None);
        }
        Ok(Pieces::parse(&bytes))
    }

    /// Returns the part of them that a journal of this size holds from `start`
    /// on. A piece that a power cut left as NULs still counts as this append's.
    pub fn look(&self, journal: &File, start: u64, size: u64) -> io::Result<Seen> {
        let mut seen = Seen {
            bytes: 0,
            whole: true,
        };
        // One read covers many pieces: one exists for each line and each
        // sector.
        let mut window = vec![0; WINDOW];
        let (mut from, mut filled) = (0, 0);
        for piece in &self.0 {
            let length = piece.length as usize;
            // A record that another program wrote may hold any number.
            let at = start.saturating_add(seen.bytes);
            let end = at.saturating_add(u64::from(piece.length));
            if end > size || length > WINDOW {
                seen.whole = false;
                break;
            }
            if filled == 0 || end > from + filled as u64 {
                from = at;
                filled = journal.read_full_at(&mut window, at)?;
            }
            let here = usize::try_from(at - from).unwrap_or(filled);
            let Some(bytes) = window[..filled].get(here..here + length) else {
                seen.whole = false;
                break;
            };
            let fits = crc32c::crc32c(bytes) == piece.checksum;
            if !fits && bytes.iter().any(|byte| *byte != 0) {
                seen.whole = false;
                break;
            }
            seen.whole &= fits;
            seen.bytes += u64::from(piece.length);
        }
        Ok(seen)
    }

    /// Returns whether the first `length` bytes from `start` on are still this
    /// append's, or blank already. A program that knows nothing of it may have
    /// emptied the journal since, and others have filled it.
    pub fn may_be_blanked(&self, journal: &File, start: u64, length: u64) -> io::Result<bool> {
        let is_blank = |byte: &u8| b" \n\0".contains(byte);
        let mut bytes = vec![0; SECTOR as usize];
        let (mut done, mut blanked) = (0, true);
        for piece in &self.0 {
            if done >= length {
                break;
            }
            let Some(bytes) = bytes.get_mut(..piece.length as usize) else {
                return Ok(false);
            };
            let n = journal.read_full_at(bytes, start.saturating_add(done))?;
            let fits = crc32c::crc32c(bytes) == piece.checksum;
            // The first ones are blank, and one may be in part.
            let first = bytes.first().is_some_and(is_blank);
            if n < bytes.len() || !(fits || blanked && first) {
                return Ok(false);
            }
            blanked &= bytes.iter().all(is_blank);
            done += u64::from(piece.length);
        }
        Ok(true)
    }

    /// Returns whether `rest` is a piece that lacks only its newline, or also white space
    /// before it: an end of spaces, or of a seal. `rest` follows `bytes` bytes of the
    /// pieces, and has no newline. `chain` is as in [`seal::is_good`].
    pub fn goes_on_with(&self, bytes: u64, rest: &[u8], chain: Option<u32>) -> bool {
        let mut done = 0;
        let mut pieces = self.0.iter().skip_while(|piece| {
            let before = done < bytes;
            done += u64::from(piece.length);
            before
        });
        let Some(piece) = pieces.next() else {
            return false;
        };
        let length = piece.length as usize;
        let is_piece = |line: &[u8]| {
            let piece_of_line = line.get(..length);
            line.starts_with(rest)
                && piece_of_line.is_some_and(|bytes| crc32c::crc32c(bytes) == piece.checksum)
        };
        // A sector may end within the seal: the next piece then has the rest of the line.
        let longer = pieces.next().map(|next| length + next.length as usize);
        let mut lengths = [Some(length), longer].into_iter().flatten();
        is_piece(&with_spaces(rest, length))
            || lengths.any(|length| {
                let lines = seal::lines_of(rest, length, chain);
                lines.is_some_and(|lines| lines.iter().any(|line| is_piece(line)))
            })
    }
}

/// Returns the line of this length that `rest` begins, if it ends in spaces.
fn with_spaces(rest: &[u8], length: usize) -> Vec<u8> {
    let mut line = rest.to_vec();
    line.resize(length.max(rest.len() + 1) - 1, b' ');
    line.push(b'\n');
    line
}

/// Records that so many bytes of an append are being taken back. It is after
/// the record, since a part of the stretch no longer belongs to the append.
///
/// ```text
/// offset  bytes
///      0      8  how many bytes
///      8      4  CRC-32C of the 8 bytes before
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct WayBack<'a> {
    lock: &'a File,
    /// The offset at which the record ends.
    at: u64,
}

impl<'a> WayBack<'a> {
    /// Says that none is noted. It goes with each record: a longer one before may have
    /// left any bytes there.
    pub const NONE: [u8; 12] = [0; 12];

    pub fn new(lock: &'a File, at: u64) -> WayBack<'a> {
        WayBack { lock, at }
    }

    pub fn read(&self) -> io::Result<Option<u64>> {
        let mut bytes = [0; 12];
        let n = self.lock.read_full_at(&mut bytes, self.at)?;
        let (length, checksum) = bytes.split_at(8);
        let whole = n == bytes.len() && crc32c::crc32c(length).to_le_bytes() == *checksum;
        Ok(whole.then(|| u64_of(length)))
    }

    pub fn write(&self, length: u64) -> io::Result<()> {
        let length = length.to_le_bytes();
        let checksum = crc32c::crc32c(&length).to_le_bytes();
        self.lock
            .write_all_at(&[&length[..], &checksum].concat(), self.at)
    }
}

/// Writes blank lines over a stretch of a journal.
pub(crate) fn blank(journal: &File, start: u64, length: u64) -> io::Result<()> {
    let mut line = vec![b' '; BLANK];
    let mut done = 0;
    while done < length {
        let n = usize::try_from(length - done).map_or(line.len(), |left| left.min(line.len()));
        line[n - 1] = b'\n';
        journal.write_all_at(&line[..n], start + done)?;
        done += n as u64;
    }
    Ok(())
}
