//! Fills the reader's buffer from the file, and takes lines out of it.
//!
//! Each line comes out of one read: a line that does not fit is read again, whole, into
//! a larger buffer. Bytes near the end of the file may change while they are read (a
//! repair or a roll-back, then other records). One read may see a part of each. So
//! there the same bytes are read twice, and a line is yielded only if both reads agree.
//! Between the two, the lock file says what is decided: see `decided.rs`.
//!
//! Each read begins a little before the next line, with bytes that were already passed.
//! If these have changed, the bytes after them no longer follow what was read.

use super::damage::DamageKind;
use super::foreign::{Foreign, HEAD};
use super::line;
use super::records::Records;
use super::skip::MARK;
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::position::Position;
use crate::sys::set_length;

/// Large enough to read at memory speed, and small enough for a core's own cache.
const CHUNK: usize = 256 * 1024;
/// For a reader that stays and keeps its buffer: a program may have many of them.
const SMALL: usize = 32 * 1024;
/// Bytes further from the end than this do not change within the time of a read.
const HOT: u64 = 1 << 20;
/// Is the result of filling the buffer once.
struct Filling {
    read: usize,
    /// How many of these bytes are decided, and the same in two readings.
    certain: usize,
    /// How many of these bytes are decided.
    decided: usize,
}

impl Records {
    /// Returns the next line's place in the buffer, without its newline.
    pub(crate) fn next_line(&mut self) -> Result<Option<(usize, usize)>> {
        loop {
            if let Some(length) = memchr::memchr(b'\n', &self.buffer[self.next..self.filled]) {
                return Ok(Some((self.next, self.next + length)));
            }
            if self.at_end {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    /// Reads more, from the start of the next line.
    #[cold]
    fn fill(&mut self) -> Result<()> {
        self.fills += 1;
        let Some(source) = self.source.take() else {
            self.at_end = true;
            return Ok(());
        };
        let result = self.fill_from(&source);
        self.source = Some(source);
        result
    }

    fn fill_from(&mut self, source: &Source) -> Result<()> {
        if !source.is_itself().map_err(|error| self.os_error(error))? {
            return Err(self.is_closed(source));
        }
        self.lose_nuls(source)?;
        // A line that filled the whole buffer needs a larger one. A line longer than
        // records may be is skipped, not kept.
        let unfinished = self.filled - self.next;
        if unfinished > 0 && unfinished as u64 > line::longest(&self.shared.options) {
            return self.skip_long_line(source);
        }
        let mut mark = [0; MARK];
        let passed = (self.base + self.next as u64).saturating_sub(self.firm);
        let keep = usize::try_from(passed).map_or(MARK, |passed| passed.min(MARK));
        let keep = keep.min(self.next);
        mark[..keep].copy_from_slice(&self.buffer[self.next - keep..self.next]);
        self.base += (self.next - keep) as u64;
        self.next = keep;
        self.filled = keep;
        self.make_room(unfinished, source.generation)?;
        loop {
            let filling = self.read_certain(source)?;
            source.check(&self.shared, "read")?;
            let Filling {
                read,
                certain,
                decided,
            } = filling;
            if certain < keep || self.buffer[..keep] != mark[..keep] {
                return Err(self.passed_is_gone());
            }
            let lines = memchr::memchr(b'\n', &self.buffer[keep..certain]).is_some();
            if certain < decided && !lines {
                // The very first line changes while it is read.
                continue;
            }
            self.filled = certain;
            if self.line_start() == 0 && !self.any {
                self.check_head()?;
            }
            if !lines && (read < self.buffer.len() || decided < read) {
                self.at_end = true;
                let mut end = self.base + read as u64;
                if decided < read {
                    end = end.max(source.size().map_err(|error| self.os_error(error))?);
                }
                let start = self.line_start();
                if end > start && !self.stays {
                    if certain == read {
                        self.tail = self.kind_of_tail(source)?;
                    }
                    self.report(DamageKind::TornTail, start, end);
                }
            }
            return Ok(());
        }
    }

    /// Refuses a file of another kind, which would read as an almost empty journal.
    fn check_head(&mut self) -> Result<()> {
        let head = &self.buffer[..self.filled.min(HEAD)];
        match Foreign::of(&self.shared.options, head) {
            None | Some(Foreign::Text) => Ok(()),
            Some(foreign) => {
                self.at_end = true;
                self.filled = self.next;
                Err(foreign.error("read", &self.shared.path))
            }
        }
    }

    /// Reads once, and finds how much of it is certain.
    fn read_certain(&mut self, source: &Source) -> Result<Filling> {
        let (from, want) = (self.base, self.buffer.len() as u64);
        if source.is_certain() && !self.shared.options.sealed {
            let read =
                read_once(source, &mut self.buffer, from).map_err(|error| self.os_error(error))?;
            return Ok(Filling {
                read,
                certain: read,
                decided: read,
            });
        }
        if from + want > self.clean {
            self.look_ahead(source, from + want)?;
        }
        let read =
            read_once(source, &mut self.buffer, from).map_err(|error| self.os_error(error))?;
        if read as u64 == want && from + want <= self.clean {
            return Ok(Filling {
                read,
                certain: read,
                decided: read,
            });
        }
        // An append in flight at the first reading is decided by the second, or known
        // to be in flight.
        let limit = self.decided.limit(&self.shared, source, "read")?;
        let decided = limit.saturating_sub(from);
        let decided = usize::try_from(decided).map_or(read, |decided| decided.min(read));
        set_length(&mut self.second, read);
        let again = source
            .read_full_at(&mut self.second, from)
            .map_err(|error| self.os_error(error))?;
        let agreed = agreement(&self.buffer[..read], &self.second[..again]);
        Ok(Filling {
            read,
            certain: agreed.min(decided),
            decided,
        })
    }

    /// Finds how far one reading is enough: bytes that are decided by now stay.
    fn look_ahead(&mut self, source: &Source, stop: u64) -> Result<()> {
        let before = source.size().map_err(|error| self.os_error(error))?;
        if stop + HOT <= before {
            let limit = self.decided.limit(&self.shared, source, "read")?;
            let after = source.size().map_err(|error| self.os_error(error))?;
            self.clean = before.min(after).min(limit).saturating_sub(HOT);
        }
        Ok(())
    }

    fn make_room(&mut self, unfinished: usize, generation: u64) -> Result<()> {
        let length = self.buffer.len();
        let want = match unfinished.saturating_mul(2) > length {
            true => length.saturating_mul(2),
            false => length.max(if self.stays { SMALL } else { CHUNK }),
        };
        if want == length {
            return Ok(());
        }
        // The second reading needs a buffer too.
        let had = self.buffer.try_reserve_exact(want - length);
        let second = want.saturating_sub(self.second.len());
        if had.is_err() || self.second.try_reserve_exact(second).is_err() {
            let at = Position {
                generation,
                offset: self.line_start(),
            };
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "read",
                &self.shared.path,
                format!(
                    "the record at {at} has more than {unfinished} bytes, too many for the memory; \
                     max_record limits what is read"
                ),
            )
            .at(at));
        }
        set_length(&mut self.buffer, want);
        Ok(())
    }

    /// Empties the buffer and continues at this place.
    pub(super) fn go_to(&mut self, at: u64) {
        self.base = at;
        self.next = 0;
        self.filled = 0;
    }

    pub(super) fn os_error(&self, error: std::io::Error) -> Error {
        Error::os("read", &self.shared.path, error)
    }

    /// Returns the error of a file that the program has closed without our knowledge. A
    /// reader that stays opens the file again.
    #[cold]
    fn is_closed(&self, source: &Source) -> Error {
        let error = match source.check_open() {
            Err(error) => self.os_error(error),
            Ok(()) => self.os_error(std::io::ErrorKind::NotFound.into()),
        };
        match self.stays {
            true => error.with_kind(ErrorKind::Conflict),
            false => error,
        }
    }

    /// Returns the error for a journal whose passed bytes are gone. Nothing then says
    /// where a line begins.
    #[cold]
    fn passed_is_gone(&mut self) -> Error {
        self.at_end = true;
        Error::new(
            ErrorKind::Conflict,
            "read",
            &self.shared.path,
            "the records read before are no longer in the journal: a program that takes no lock \
             cut or rewrote it; read it again",
        )
    }
}

/// Reads the buffer full in one call, if one call can read that much.
fn read_once(source: &Source, buffer: &mut [u8], from: u64) -> std::io::Result<usize> {
    /// The most that one call reads (man 2 read).
    const MOST: usize = 0x7fff_f000;
    match buffer.len() > MOST {
        true => source.read_full_at(buffer, from),
        false => source.read_at(buffer, from),
    }
}

/// Returns how many bytes at the start of both are the same.
fn agreement(first: &[u8], second: &[u8]) -> usize {
    let n = first.len().min(second.len());
    if first[..n] == second[..n] {
        return n;
    }
    first
        .iter()
        .zip(second)
        .position(|(a, b)| a != b)
        .unwrap_or(n)
}
