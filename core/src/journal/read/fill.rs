//! Bytes from the file into the reader's buffer, and lines out of it.
//!
//! Lines are taken out of one read each: a line that does not fit is read
//! again, whole, into a larger buffer. What lies near the end of the file may
//! change while it is read (a repair or a roll-back, then other records), and
//! one read may see a part of each. So there the same bytes are read twice,
//! and a line is yielded only where both agree.

use super::Records;
use crate::error::{Error, Result};
use crate::journal::damage::{Damage, DamageKind};
use crate::journal::seal;

/// Read at memory speed, and small enough for a core's own cache.
const CHUNK: usize = 256 * 1024;
/// For those who stay, and keep their buffer: there may be many of them.
const SMALL: usize = 32 * 1024;
/// Further from the end than this nothing changes within the time of a read.
const HOT: u64 = 1 << 20;

impl Records {
    /// The next line, in the buffer, without its newline.
    pub(super) fn next_line(&mut self) -> Result<Option<(usize, usize)>> {
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

    /// Reads on from the start of the next line.
    #[cold]
    fn fill(&mut self) -> Result<()> {
        self.fills += 1;
        let Some(source) = &self.source else {
            self.at_end = true;
            return Ok(());
        };
        let told = |error| Error::os("read", &self.shared.path, error);
        // A line that filled the whole buffer needs a larger one; one that is
        // longer than records may be is skipped, not kept.
        let unfinished = self.filled - self.next;
        if unfinished > 0 && unfinished as u64 > self.longest_line() {
            return self.skip_long_line();
        }
        let want = if unfinished * 2 > self.buffer.len() {
            self.buffer.len() * 2
        } else {
            self.buffer
                .len()
                .max(if self.settled { SMALL } else { CHUNK })
        };
        self.buffer.resize(want, 0);
        self.base += self.next as u64;
        self.next = 0;
        self.filled = 0;
        loop {
            let before = source.size().map_err(told)?;
            let n = source.read_at(&mut self.buffer, self.base).map_err(told)?;
            let after = source.size().map_err(told)?;
            let end = self.base + n as u64;
            // Between the two reads: what was in flight before is decided by
            // the second, or is known to be in flight.
            let decided = match self.settled {
                true => source.decided(&self.shared, self.base, n)?,
                false => n,
            };
            let hot = end + HOT > before || after < before;
            let certain = if hot {
                self.second.resize(n, 0);
                let again = source
                    .read_full_at(&mut self.second, self.base)
                    .map_err(told)?;
                agreement(&self.buffer[..n], &self.second[..again])
            } else {
                n
            };
            let certain = certain.min(decided);
            let lines = memchr::memchr(b'\n', &self.buffer[..certain]).is_some();
            if certain < decided && !lines {
                // The very first line changes under our eyes.
                continue;
            }
            source.check(&self.shared, "read")?;
            self.filled = certain;
            if (n < want || decided < n) && certain == decided && !lines {
                self.at_end = true;
                if n > 0 && !self.settled {
                    self.report(DamageKind::TornTail, 0, n);
                }
            }
            return Ok(());
        }
    }

    /// With its newline, and its seal.
    fn longest_line(&self) -> u64 {
        let seal = match self.shared.options.sealed {
            true => seal::LENGTH as u64,
            false => 0,
        };
        self.shared.options.max_record.saturating_add(1 + seal)
    }

    /// Looks for the end of a line that is too long to be kept.
    #[cold]
    fn skip_long_line(&mut self) -> Result<()> {
        let Some(source) = &self.source else {
            return Ok(());
        };
        let start = self.base + self.next as u64;
        let mut at = start;
        let found = loop {
            let n = source
                .read_at(&mut self.buffer, at)
                .map_err(|error| Error::os("read", &self.shared.path, error))?;
            if n == 0 {
                break false;
            }
            match memchr::memchr(b'\n', &self.buffer[..n]) {
                Some(place) => {
                    at += place as u64 + 1;
                    break true;
                }
                None => at += n as u64,
            }
        };
        self.at_end = !found;
        if found || !self.settled {
            self.damages.add(Damage {
                kind: if found {
                    DamageKind::TooLong
                } else {
                    DamageKind::TornTail
                },
                offset: start,
                length: at - start,
            });
        }
        self.base = if found { at } else { start };
        self.next = 0;
        self.filled = 0;
        Ok(())
    }
}

/// How many bytes of both are the same.
pub(in crate::journal) fn agreement(first: &[u8], second: &[u8]) -> usize {
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
