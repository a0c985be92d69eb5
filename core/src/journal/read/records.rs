//! Defines the reader that yields a journal's records forward.

use std::sync::Arc;

use super::damage::{Damage, DamageKind, Damages};
use super::decided::Decided;
use super::record::{OwnedRecord, Record};
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::shared::Shared;
use crate::position::Position;

/// Reads a journal's records in file order, up to the end that the journal has when the
/// reader gets there.
///
/// Blank lines and the header are not records. Damaged stretches are skipped and listed
/// by [`Records::damage`]. As an iterator it yields records that own their bytes;
/// [`Records::next_record`] lends them without a copy.
///
/// ```
/// use untorn::Journal;
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::open(dir.path().join("j.jsonl"))?;
/// journal.append_all(["[1]", "[2]"])?;
/// let mut records = journal.records()?;
/// while let Some(record) = records.next_record()? {
///     println!("{} {:?}", record.start, record.bytes);
/// }
/// assert_eq!(records.damage_count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Records {
    pub(super) shared: Arc<Shared>,
    pub(super) source: Option<Source>,
    pub(super) buffer: Vec<u8>,
    pub(super) second: Vec<u8>,
    /// The place of `buffer[0]` in the file.
    pub(super) base: u64,
    /// How much of the buffer holds bytes that are certain.
    pub(super) filled: usize,
    /// The place in the buffer at which the next line continues.
    pub(super) next: usize,
    /// How many bytes of that line, up to a NUL, are no longer in the buffer.
    pub(super) lost: u64,
    pub(super) at_end: bool,
    /// How many lines come before the next one; `None` if reading began within the
    /// file.
    pub(super) lines: Option<u64>,
    /// Whether those lost bytes were NULs alone.
    pub(super) lost_nuls_only: bool,
    /// Whether a byte order mark is before the first line.
    pub(super) marked: bool,
    /// The kind of the torn tail, once it is reported.
    pub(super) tail: DamageKind,
    /// The generation of the file that was read to its end, and is closed.
    pub(super) ended: Option<u64>,
    /// The reader stays at the end for later records, so bytes after the last line are
    /// not damage.
    pub(super) stays: bool,
    /// Of a file that is not a journal, it reports only the damage of each line.
    pub(super) any: bool,
    pub(super) decided: Decided,
    /// Up to here all is decided, and far enough from the end that nothing changes.
    pub(super) clean: u64,
    /// From here on, passed bytes are compared with the file's. The first line may be a
    /// header, which changes.
    pub(super) firm: u64,
    /// How often the file was read.
    pub(super) fills: u64,
    /// Whether the journal has a header.
    pub(super) header: bool,
    pub(super) chain: Chained,
    pub(super) unsealed: u64,
    pub(super) damages: Damages,
    /// Whether an event has reported damage.
    pub(super) reported: bool,
    pub(super) max_records: Option<u64>,
    pub(super) max_bytes: Option<u64>,
    pub(super) seen_records: u64,
    pub(super) seen_bytes: u64,
    /// Lines that begin here or later are not read.
    pub(super) stop: u64,
}

/// Is the place of a record.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// The start of its line in the file.
    pub(super) line: u64,
    /// Its start in the buffer.
    pub(super) start: usize,
    /// Its end, without newline and carriage return.
    pub(super) stop: usize,
    pub(super) next: usize,
}

/// Says what chains the next line of a sealed journal.
#[derive(Clone, Copy)]
pub(super) enum Chained {
    /// The line before must be read for it.
    Unknown,
    /// A record of the same append, or nothing.
    To(Option<u32>),
}

impl Records {
    pub(crate) fn open(shared: &Arc<Shared>, from: Option<Position>) -> Result<Records> {
        let source = Source::open(shared, "read")?;
        let mut decided = Decided::default();
        let base = match (&source, from) {
            (Some(source), Some(from)) => source.offset_of(shared, &mut decided, "read", from)?,
            (None, Some(from)) if from != Position::NOTHING => {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "read",
                    &shared.path,
                    format!("position {from} belongs to a file that no longer exists"),
                ));
            }
            _ => 0,
        };
        Ok(Records {
            decided,
            ..Records::new(shared, source, base)
        })
    }

    pub(crate) fn new(shared: &Arc<Shared>, source: Option<Source>, base: u64) -> Records {
        Records {
            shared: Arc::clone(shared),
            source,
            buffer: Vec::new(),
            second: Vec::new(),
            base,
            filled: 0,
            next: 0,
            lost: 0,
            at_end: false,
            lines: (base == 0).then_some(0),
            lost_nuls_only: true,
            marked: false,
            tail: DamageKind::TornTail,
            ended: None,
            stays: false,
            any: false,
            decided: Decided::default(),
            clean: 0,
            firm: base,
            fills: 0,
            header: false,
            chain: Chained::Unknown,
            unsealed: 0,
            damages: Damages::default(),
            reported: false,
            max_records: None,
            max_bytes: None,
            seen_records: 0,
            seen_bytes: 0,
            stop: u64::MAX,
        }
    }

    /// Reads even a file that is plainly not a journal.
    pub(crate) fn of_anything(self) -> Records {
        Records { any: true, ..self }
    }

    /// Reads up to here, and ignores later appends.
    pub(crate) fn until(self, stop: u64) -> Records {
        Records { stop, ..self }
    }

    /// Makes a reader that stays: it reads from `base` on, and continues after the end
    /// when [`Records::go_on`] was called.
    pub(crate) fn staying(shared: &Arc<Shared>, source: Source, base: u64) -> Records {
        Records {
            stays: true,
            ..Records::new(shared, Some(source), base)
        }
    }

    /// Continues at the end, which may have moved.
    pub(crate) fn go_on(&mut self) {
        self.at_end = false;
    }

    /// Continues at `offset`, the start of a line.
    pub(crate) fn skip_to(&mut self, offset: u64) {
        self.base = offset;
        self.next = 0;
        self.filled = 0;
        self.lost = 0;
        self.at_end = false;
        self.clean = 0;
        self.firm = offset;
        self.chain = Chained::Unknown;
        self.lines = (offset == 0).then_some(0);
    }

    /// Returns how often the file was read, not only the buffer.
    pub(crate) fn fills(&self) -> u64 {
        self.fills
    }

    pub(crate) fn into_source(self) -> Option<Source> {
        self.source
    }

    /// Returns the file that is read.
    pub(crate) fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// Limits the number of records, and of their bytes. One record more fails with
    /// `LIMIT_EXCEEDED`; the error's position is the place to continue.
    #[must_use]
    pub fn limits(mut self, max_records: Option<u64>, max_bytes: Option<u64>) -> Records {
        self.max_records = max_records;
        self.max_bytes = max_bytes;
        self
    }

    /// Returns the damage that was skipped so far, in file order (the first 1,024).
    pub fn damage(&self) -> &[Damage] {
        &self.damages.list
    }

    /// Returns the damage that was skipped since the last such call, in file order.
    /// [`Records::damage`] then no longer lists it. Called about once a record, it
    /// returns every damage, even of a file with more than that list holds.
    pub fn take_damage(&mut self) -> Vec<Damage> {
        std::mem::take(&mut self.damages.list)
    }

    /// Returns whether the journal has a header. It is known once the first record is
    /// read or the end is reached.
    pub(crate) fn header(&self) -> bool {
        self.header
    }

    /// Returns how many records of a sealed journal were yielded without a seal.
    pub(crate) fn unsealed(&self) -> u64 {
        self.unsealed
    }

    /// Returns how many stretches were skipped so far.
    pub fn damage_count(&self) -> u64 {
        self.damages.count
    }

    /// Returns the kind of the torn tail, which a check distinguishes.
    pub(crate) fn kind_of_torn_tail(&self) -> DamageKind {
        self.tail
    }

    /// Returns whether a byte order mark is before the first line.
    pub(crate) fn is_marked(&self) -> bool {
        self.marked
    }

    /// Returns the number of the line that was read last, from 1.
    pub(crate) fn last_line(&self) -> Option<u64> {
        self.lines
    }

    /// Returns the torn tail, if the end is reached and the journal has one. It is the
    /// last damage.
    pub(crate) fn torn_tail(&self) -> Option<Damage> {
        let last = self.damages.last?;
        (last.kind == DamageKind::TornTail).then_some(last)
    }

    /// Returns the end of the last line that was read, at which reading continues.
    pub fn position(&self) -> Position {
        self.position_of(self.line_start())
    }

    /// Returns the start of the next line in the file.
    pub(super) fn line_start(&self) -> u64 {
        self.base + self.next as u64 - self.lost
    }

    /// Returns the next record, lent until the next call.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED`; `IO` if the file can't be read.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>> {
        let Some(place) = self.advance()? else {
            self.end();
            return Ok(None);
        };
        Ok(Some(self.record(&place)))
    }

    /// Closes the file: a reader at its end may be kept for long.
    pub(super) fn end(&mut self) {
        if self.at_end
            && !self.stays
            && let Some(source) = self.source.take()
        {
            self.ended = Some(source.generation);
        }
    }

    /// Returns the record of the last advance.
    #[inline]
    pub(crate) fn record(&self, place: &Place) -> Record<'_> {
        Record {
            bytes: &self.buffer[place.start..place.stop],
            start: self.position_of(place.line),
            end: self.position_of(self.base + place.next as u64),
        }
    }

    /// Returns the line of that record, with the newline.
    pub(crate) fn line(&self, place: &Place) -> &[u8] {
        &self.buffer[place.start..place.next]
    }

    pub(super) fn report(&mut self, kind: DamageKind, start: u64, stop: u64) {
        let damage = Damage {
            kind,
            offset: start,
            length: stop - start,
            line: self.lines.map(|before| before + 1),
            repairable: kind == DamageKind::TornTail,
        };
        self.damages.add(damage);
        // One that reads anything reports the damage itself, as its result.
        if !self.any {
            self.skipped(damage);
        }
    }

    /// Notes damage that a decoder found, and reports it.
    #[cfg(feature = "serde")]
    pub(crate) fn add_damage(&mut self, kind: DamageKind, offset: u64, length: u64) {
        let damage = Damage::found(kind, offset, length);
        self.damages.add(damage);
        self.skipped(damage);
    }

    /// Returns the path of the journal.
    #[cfg(feature = "serde")]
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.shared.path
    }

    /// Reports an event for the first damage that is skipped. A binding calls it for
    /// damage that its decoder finds.
    #[doc(hidden)]
    pub fn skipped(&mut self, damage: Damage) {
        // An append in progress looks like a torn tail.
        if damage.kind == DamageKind::TornTail || std::mem::replace(&mut self.reported, true) {
            return;
        }
        damage.skipped(&self.shared.path);
    }

    /// Notes that a line was passed.
    pub(super) fn count_line(&mut self) {
        if let Some(lines) = &mut self.lines {
            *lines += 1;
        }
    }

    pub(super) fn position_of(&self, offset: u64) -> Position {
        let open = self.source.as_ref().map(|source| source.generation);
        match open.or(self.ended) {
            None => Position::NOTHING,
            Some(generation) => Position { generation, offset },
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
