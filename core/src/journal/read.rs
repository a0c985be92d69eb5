//! Reading forward: no lock, constant memory, and no half record.
//!
//! Lines are taken out of one read each: a line that does not fit is read
//! again, whole, into a larger buffer. What lies near the end of the file may
//! change while it is read (a repair or a roll-back, then other records), and
//! one read may see a part of each. So there the same bytes are read twice,
//! and a line is yielded only where both agree.

use std::sync::Arc;

use super::Position;
use super::batch::is_blank;
use super::damage::{Damage, DamageKind, Damages};
use super::header::is_header;
use super::seal;
use super::shared::Shared;
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};

/// Read at memory speed, and small enough for a core's own cache.
const CHUNK: usize = 256 * 1024;
/// For those who stay, and keep their buffer: there may be many of them.
const SMALL: usize = 32 * 1024;
/// Further from the end than this nothing changes within the time of a read.
const HOT: u64 = 1 << 20;

/// A record in the reader's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Without the newline.
    pub bytes: &'a [u8],
    /// Where it begins.
    pub start: Position,
    /// Where the next line begins: reading on from here yields what follows.
    pub end: Position,
}

/// A record by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRecord {
    /// Without the newline.
    pub bytes: Vec<u8>,
    /// Where it begins.
    pub start: Position,
    /// Where the next line begins.
    pub end: Position,
}

impl From<Record<'_>> for OwnedRecord {
    fn from(record: Record<'_>) -> OwnedRecord {
        OwnedRecord {
            bytes: record.bytes.to_vec(),
            start: record.start,
            end: record.end,
        }
    }
}

/// Reads a journal's records in file order, up to the end that it has when it
/// is reached.
///
/// Blank lines are no records, nor is the header. Damaged stretches are skipped and listed by
/// [`Records::damage`]. As an iterator it yields records of their own;
/// [`Records::next_record`] lends them without a copy.
pub struct Records {
    shared: Arc<Shared>,
    source: Option<Source>,
    buffer: Vec<u8>,
    second: Vec<u8>,
    /// Where in the file `buffer[0]` is.
    base: u64,
    /// What of the buffer holds bytes that are certain.
    filled: usize,
    /// Where in the buffer the next line begins.
    next: usize,
    at_end: bool,
    /// Only what no roll-back takes away any more; what lies behind it, a torn
    /// tail too, is an append in flight.
    settled: bool,
    /// How often something was read from the file.
    fills: u64,
    /// Whether the next line may be the header, and whether there was one.
    header_due: bool,
    header: bool,
    chain: Chained,
    unsealed: u64,
    damages: Damages,
    max_records: Option<u64>,
    max_bytes: Option<u64>,
    seen_records: u64,
    seen_bytes: u64,
    /// What begins here or behind it is not read.
    stop: u64,
}

/// Where in the buffer a record is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    start: usize,
    /// Its end, without newline and carriage return.
    stop: usize,
    next: usize,
}

/// What the next line of a sealed journal is chained to.
#[derive(Clone, Copy)]
enum Chained {
    /// The line before says it.
    Unknown,
    /// A record of the same append, or nothing.
    To(Option<u32>),
}

/// What a line is.
enum Line {
    Record,
    Blank,
    Damaged(DamageKind),
}

impl Records {
    pub(super) fn open(shared: &Arc<Shared>, from: Option<Position>) -> Result<Records> {
        let source = Source::open(shared, "read")?;
        let base = match (&source, from) {
            (Some(source), Some(from)) => source.offset_of(shared, "read", from)?,
            (None, Some(from)) if from != Position::NOTHING => {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "read",
                    &shared.path,
                    format!("position {from} is of a file that is not there any more"),
                ));
            }
            _ => 0,
        };
        Ok(Records::new(shared, source, base))
    }

    pub(super) fn new(shared: &Arc<Shared>, source: Option<Source>, base: u64) -> Records {
        Records {
            shared: Arc::clone(shared),
            source,
            buffer: Vec::new(),
            second: Vec::new(),
            base,
            filled: 0,
            next: 0,
            at_end: false,
            settled: false,
            fills: 0,
            header_due: base == 0 && shared.options.has_headers(),
            header: false,
            chain: Chained::Unknown,
            unsealed: 0,
            damages: Damages::default(),
            max_records: None,
            max_bytes: None,
            seen_records: 0,
            seen_bytes: 0,
            stop: u64::MAX,
        }
    }

    /// Up to here, whatever was appended since.
    pub(super) fn until(self, stop: u64) -> Records {
        Records { stop, ..self }
    }

    /// For those who stay: reads from `base` on what no roll-back takes away any
    /// more, and goes on behind the end after [`Records::go_on`].
    pub(super) fn settled(shared: &Arc<Shared>, source: Source, base: u64) -> Records {
        Records {
            settled: true,
            ..Records::new(shared, Some(source), base)
        }
    }

    /// What was the end may not be it any more.
    pub(super) fn go_on(&mut self) {
        self.at_end = false;
    }

    /// Reads on at `offset`, where a line begins.
    pub(super) fn skip_to(&mut self, offset: u64) {
        self.base = offset;
        self.next = 0;
        self.filled = 0;
        self.at_end = false;
        self.header_due = offset == 0 && self.shared.options.has_headers();
        self.chain = Chained::Unknown;
    }

    /// How often something was read from the file, not only from the buffer.
    pub(super) fn fills(&self) -> u64 {
        self.fills
    }

    pub(super) fn into_source(self) -> Option<Source> {
        self.source
    }

    /// The file that is read.
    pub(super) fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// Reads at most so many records, and so many bytes of records: one more is
    /// `LIMIT_EXCEEDED`, whose position is where to read on.
    #[must_use]
    pub fn limits(mut self, max_records: Option<u64>, max_bytes: Option<u64>) -> Records {
        self.max_records = max_records;
        self.max_bytes = max_bytes;
        self
    }

    /// What was skipped so far, in file order (the first 1,024).
    pub fn damage(&self) -> &[Damage] {
        &self.damages.list
    }

    /// What was skipped since the last call of this, in file order; it is not
    /// listed by [`Records::damage`] any more. Called after each record or so
    /// it gives every damage of a file that has more than are listed.
    pub fn take_damage(&mut self) -> Vec<Damage> {
        std::mem::take(&mut self.damages.list)
    }

    /// Whether the journal has a header, once the first record is read or the
    /// end is reached.
    pub(super) fn header(&self) -> bool {
        self.header
    }

    /// In a sealed journal: how many records were yielded that have no seal.
    pub(super) fn unsealed(&self) -> u64 {
        self.unsealed
    }

    /// How many stretches were skipped so far.
    pub fn damage_count(&self) -> u64 {
        self.damages.count
    }

    /// The torn tail, once the end is reached and if there is one: what was
    /// skipped last.
    pub(super) fn torn_tail(&self) -> Option<Damage> {
        let last = self.damages.last?;
        (last.kind == DamageKind::TornTail).then_some(last)
    }

    /// Where reading goes on: the end of the last line that was read.
    pub fn position(&self) -> Position {
        self.position_at(self.next)
    }

    /// The next record, lent until the next call.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED`; `IO` if the file can't be read.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>> {
        let next = self.advance()?;
        Ok(next.map(|place| self.record(&place)))
    }

    /// Goes to the next record, without lending it.
    pub(super) fn advance(&mut self) -> Result<Option<Place>> {
        loop {
            if self.base + self.next as u64 >= self.stop {
                return Ok(None);
            }
            let Some((start, stop)) = self.next_line()? else {
                return Ok(None);
            };
            if self.header_due {
                self.header_due = false;
                if is_header(&self.shared.options, &self.buffer[start..stop]) {
                    self.header = true;
                    self.next = stop + 1;
                    continue;
                }
            }
            let trimmed = stop - usize::from(self.buffer[start..stop].last() == Some(&b'\r'));
            let trimmed = if self.shared.options.sealed {
                match self.unseal(start, trimmed)? {
                    Ok(stop) => stop,
                    Err(damage) => {
                        self.report(damage, start, stop + 1);
                        self.next = stop + 1;
                        continue;
                    }
                }
            } else {
                trimmed
            };
            let line = &self.buffer[start..trimmed];
            match self.judge(line) {
                Line::Blank => self.next = stop + 1,
                Line::Damaged(kind) => {
                    self.report(kind, start, stop + 1);
                    self.next = stop + 1;
                }
                Line::Record => {
                    self.check_limits(line.len())?;
                    self.next = stop + 1;
                    return Ok(Some(Place {
                        start,
                        stop: trimmed,
                        next: stop + 1,
                    }));
                }
            }
        }
    }

    /// Where the record in a line of a sealed journal ends, or what is wrong.
    fn unseal(
        &mut self,
        start: usize,
        stop: usize,
    ) -> Result<std::result::Result<usize, DamageKind>> {
        let before = match (self.chain, &self.source) {
            (Chained::To(before), _) => before,
            (Chained::Unknown, Some(source)) => {
                let at = self.base + start as u64;
                seal::chain_by(|buffer, at| source.read_full_at(buffer, at), at)
                    .map_err(|error| Error::os("read", &self.shared.path, error))?
            }
            (Chained::Unknown, None) => None,
        };
        let line = &self.buffer[start..stop];
        if is_blank(line) {
            self.chain = Chained::To(before);
            return Ok(Ok(stop));
        }
        let nuls = memchr::memchr(0, line).is_some();
        let Some((record, seal)) = seal::split(line) else {
            self.chain = Chained::To(None);
            if !nuls && before.is_some() {
                self.report(DamageKind::BadSeal, start, start);
            }
            self.unsealed += u64::from(!nuls);
            return Ok(Ok(stop));
        };
        self.chain = Chained::To(seal.chain());
        let end = start + record.len();
        if nuls || seal::is_good(record, seal, before) {
            return Ok(Ok(end));
        }
        if before.is_some() && seal::is_good(record, seal, None) {
            // It begins another append: of the one before the end is missing.
            self.report(DamageKind::BadSeal, start, start);
            return Ok(Ok(end));
        }
        Ok(Err(DamageKind::BadSeal))
    }

    /// The record that was advanced to last.
    pub(super) fn record(&self, place: &Place) -> Record<'_> {
        Record {
            bytes: &self.buffer[place.start..place.stop],
            start: self.position_at(place.start),
            end: self.position_at(place.next),
        }
    }

    /// Its line, with the newline.
    pub(super) fn line(&self, place: &Place) -> &[u8] {
        &self.buffer[place.start..place.next]
    }

    /// What framing shows; decoding finds more.
    fn judge(&self, line: &[u8]) -> Line {
        if line.len() as u64 > self.shared.options.max_record {
            return Line::Damaged(DamageKind::TooLong);
        }
        match line.first() {
            None => Line::Blank,
            Some(b' ' | b'\t' | b'\r') if is_blank(line) => Line::Blank,
            Some(_) if memchr::memchr(0, line).is_some() => Line::Damaged(DamageKind::NulRun),
            Some(_) => Line::Record,
        }
    }

    fn check_limits(&mut self, bytes: usize) -> Result<()> {
        self.seen_records += 1;
        self.seen_bytes += bytes as u64;
        let exceeded = |limit: Option<u64>, seen| limit.is_some_and(|limit| seen > limit);
        if exceeded(self.max_records, self.seen_records) {
            return Err(self.limit_exceeded("max_records", self.max_records));
        }
        if exceeded(self.max_bytes, self.seen_bytes) {
            return Err(self.limit_exceeded("max_bytes", self.max_bytes));
        }
        Ok(())
    }

    #[cold]
    fn limit_exceeded(&self, name: &str, limit: Option<u64>) -> Error {
        let at = self.position();
        Error::new(
            ErrorKind::LimitExceeded,
            "read",
            &self.shared.path,
            format!(
                "more than {name} = {}; read on from {at}",
                limit.unwrap_or_default()
            ),
        )
        .at(at)
    }

    /// The next line, in the buffer, without its newline.
    fn next_line(&mut self) -> Result<Option<(usize, usize)>> {
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

    fn report(&mut self, kind: DamageKind, start: usize, stop: usize) {
        self.damages.add(Damage {
            kind,
            offset: self.base + start as u64,
            length: (stop - start) as u64,
        });
    }

    fn position_at(&self, place: usize) -> Position {
        match &self.source {
            None => Position::NOTHING,
            Some(source) => Position {
                generation: source.generation,
                offset: self.base + place as u64,
            },
        }
    }
}

impl Iterator for Records {
    type Item = Result<OwnedRecord>;

    fn next(&mut self) -> Option<Result<OwnedRecord>> {
        self.next_record()
            .map(|record| record.map(OwnedRecord::from))
            .transpose()
    }
}

/// How many bytes of both are the same.
pub(super) fn agreement(first: &[u8], second: &[u8]) -> usize {
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
