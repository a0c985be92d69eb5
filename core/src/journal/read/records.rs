//! The records of a journal, read forward.

use std::sync::Arc;

use super::damage::{Damage, DamageKind, Damages};
use super::decided::Decided;
use super::record::{OwnedRecord, Record};
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::shared::Shared;
use crate::position::Position;

/// Reads a journal's records in file order, up to the end that it has when it
/// is reached.
///
/// Blank lines are no records, nor is the header. Damaged stretches are skipped and listed by
/// [`Records::damage`]. As an iterator it yields records of their own;
/// [`Records::next_record`] lends them without a copy.
pub struct Records {
    pub(super) shared: Arc<Shared>,
    pub(super) source: Option<Source>,
    pub(super) buffer: Vec<u8>,
    pub(super) second: Vec<u8>,
    /// Where in the file `buffer[0]` is.
    pub(super) base: u64,
    /// What of the buffer holds bytes that are certain.
    pub(super) filled: usize,
    /// Where in the buffer the next line goes on.
    pub(super) next: usize,
    /// How many bytes of it, up to a NUL, are not in the buffer any more.
    pub(super) lost: u64,
    pub(super) at_end: bool,
    /// The generation of the file that was read to its end, and is closed.
    pub(super) ended: Option<u64>,
    /// Stays at the end, for what is yet to come: what lies behind the last line
    /// is no damage.
    pub(super) stays: bool,
    /// Says of a file that is no journal only what is wrong with each line.
    pub(super) any: bool,
    pub(super) decided: Decided,
    /// Up to here all is decided, and far enough from the end that nothing
    /// changes.
    pub(super) clean: u64,
    /// From here on what was passed is compared with what is there: the first
    /// line may be a header, which changes.
    pub(super) firm: u64,
    /// How often something was read from the file.
    pub(super) fills: u64,
    /// Whether there was a header.
    pub(super) header: bool,
    pub(super) chain: Chained,
    pub(super) unsealed: u64,
    pub(super) damages: Damages,
    pub(super) max_records: Option<u64>,
    pub(super) max_bytes: Option<u64>,
    pub(super) seen_records: u64,
    pub(super) seen_bytes: u64,
    /// What begins here or behind it is not read.
    pub(super) stop: u64,
}

/// Where a record is.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Where in the file its line begins.
    pub(super) line: u64,
    /// Where it begins in the buffer.
    pub(super) start: usize,
    /// Its end, without newline and carriage return.
    pub(super) stop: usize,
    pub(super) next: usize,
}

/// What the next line of a sealed journal is chained to.
#[derive(Clone, Copy)]
pub(super) enum Chained {
    /// The line before says it.
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
                    format!("position {from} is of a file that is not there any more"),
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
            max_records: None,
            max_bytes: None,
            seen_records: 0,
            seen_bytes: 0,
            stop: u64::MAX,
        }
    }

    /// Also what is plainly no journal.
    pub(crate) fn of_anything(self) -> Records {
        Records { any: true, ..self }
    }

    /// Up to here, whatever was appended since.
    pub(crate) fn until(self, stop: u64) -> Records {
        Records { stop, ..self }
    }

    /// For those who stay: reads from `base` on, and goes on behind the end after
    /// [`Records::go_on`].
    pub(crate) fn staying(shared: &Arc<Shared>, source: Source, base: u64) -> Records {
        Records {
            stays: true,
            ..Records::new(shared, Some(source), base)
        }
    }

    /// What was the end may not be it any more.
    pub(crate) fn go_on(&mut self) {
        self.at_end = false;
    }

    /// Reads on at `offset`, where a line begins.
    pub(crate) fn skip_to(&mut self, offset: u64) {
        self.base = offset;
        self.next = 0;
        self.filled = 0;
        self.lost = 0;
        self.at_end = false;
        self.clean = 0;
        self.firm = offset;
        self.chain = Chained::Unknown;
    }

    /// How often something was read from the file, not only from the buffer.
    pub(crate) fn fills(&self) -> u64 {
        self.fills
    }

    pub(crate) fn into_source(self) -> Option<Source> {
        self.source
    }

    /// The file that is read.
    pub(crate) fn source(&self) -> Option<&Source> {
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
    pub(crate) fn header(&self) -> bool {
        self.header
    }

    /// In a sealed journal: how many records were yielded that have no seal.
    pub(crate) fn unsealed(&self) -> u64 {
        self.unsealed
    }

    /// How many stretches were skipped so far.
    pub fn damage_count(&self) -> u64 {
        self.damages.count
    }

    /// The torn tail, once the end is reached and if there is one: what was
    /// skipped last.
    pub(crate) fn torn_tail(&self) -> Option<Damage> {
        let last = self.damages.last?;
        (last.kind == DamageKind::TornTail).then_some(last)
    }

    /// Where reading goes on: the end of the last line that was read.
    pub fn position(&self) -> Position {
        self.position_of(self.line_start())
    }

    /// Where in the file the next line begins.
    pub(super) fn line_start(&self) -> u64 {
        self.base + self.next as u64 - self.lost
    }

    /// The next record, lent until the next call.
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

    /// Closes the file: a reader that has come to its end may be kept for long.
    pub(super) fn end(&mut self) {
        if self.at_end
            && !self.stays
            && let Some(source) = self.source.take()
        {
            self.ended = Some(source.generation);
        }
    }

    /// The record that was advanced to last.
    pub(crate) fn record(&self, place: &Place) -> Record<'_> {
        Record {
            bytes: &self.buffer[place.start..place.stop],
            start: self.position_of(place.line),
            end: self.position_of(self.base + place.next as u64),
        }
    }

    /// Its line, with the newline.
    pub(crate) fn line(&self, place: &Place) -> &[u8] {
        &self.buffer[place.start..place.next]
    }

    pub(super) fn report(&mut self, kind: DamageKind, start: u64, stop: u64) {
        self.damages.add(Damage {
            kind,
            offset: start,
            length: stop - start,
        });
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
