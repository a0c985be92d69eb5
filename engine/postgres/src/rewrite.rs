//! Rewrites of a journal: back to a position, other records, other headers, and rotated files.
//!
//! Nothing is locked meanwhile. A rewrite says what it puts in the place of which bytes of
//! one generation, and the database does that in one step. Bytes that others appended since
//! stay behind it.

use std::fmt;
use std::time::Duration;

use untorn::engine::{self, NewLines, Waiting};
use untorn::{Batch, CallOptions, Error, ErrorKind, Position, Records};

use crate::driver::{Columns, Param};
use crate::journal::Journal;
use crate::kept::{Change, Splice};

/// Says what a new generation begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    WithHeader,
    Empty,
}

impl Journal {
    /// Goes back to a position of this journal: records appended after it are removed. A
    /// rotated file keeps the whole journal as it was, and this returns its name. Returns
    /// `None` if no record is after the position. `0:0` goes back to the start. The header
    /// stays.
    ///
    /// # Errors
    /// `CONFLICT` if the position is not one of this generation's; and as
    /// [`Journal::append_batch`].
    pub fn rewind(&self, to: Position) -> Result<Option<String>, Error> {
        self.rewind_with(to, &CallOptions::new())
    }

    /// Does the same as [`Journal::rewind`], with cancellation.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn rewind_with(
        &self,
        to: Position,
        call: &CallOptions<'_>,
    ) -> Result<Option<String>, Error> {
        let wait = Waiting::begin("rewind", self.name(), call, None)?;
        let Some(back) = engine::rewind_to(self, to)? else {
            return Ok(None);
        };
        let splice = Splice {
            bytes: &back.bytes,
            start: back.start,
            generation: back.at.generation,
            same: Some(back.same),
            keep: true,
            ..Splice::default()
        };
        Ok(self.splice("rewind", &splice, &wait)?.1)
    }

    /// Begins the journal again, with its header if it has one. A rotated file of the
    /// session keeps the records (`name_1.ext`, `name_2.ext`, …; numbers only grow), and
    /// this returns its name. Returns `None` if the journal had no records.
    ///
    /// # Errors
    /// As [`Journal::append_batch`], without `CONFLICT`.
    pub fn rotate(&self) -> Result<Option<String>, Error> {
        self.rotate_with(&CallOptions::new())
    }

    /// Does the same as [`Journal::rotate`], with cancellation.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn rotate_with(&self, call: &CallOptions<'_>) -> Result<Option<String>, Error> {
        let wait = Waiting::begin("rotate", self.name(), call, None)?;
        self.begin_again("rotate", Begin::WithHeader, 0, &wait)
    }

    /// Empties the journal: neither records nor a header stay. A rotated file keeps the
    /// whole journal as it was, and this returns its name. Returns `None` if the journal
    /// was empty or missing.
    ///
    /// # Errors
    /// As [`Journal::rotate`].
    pub fn clear(&self) -> Result<Option<String>, Error> {
        self.clear_with(&CallOptions::new())
    }

    /// Does the same as [`Journal::clear`], with cancellation.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn clear_with(&self, call: &CallOptions<'_>) -> Result<Option<String>, Error> {
        let wait = Waiting::begin("clear", self.name(), call, None)?;
        self.begin_again("clear", Begin::Empty, 0, &wait)
    }

    /// Rotates a journal that has more than `most` bytes, and more than its header.
    fn begin_again(
        &self,
        operation: &'static str,
        begin: Begin,
        most: u64,
        wait: &Waiting<'_>,
    ) -> Result<Option<String>, Error> {
        loop {
            let (at, header) = engine::beginning(self, operation)?;
            self.saw(at.offset);
            let start = match begin {
                Begin::WithHeader => header.len() as u64,
                Begin::Empty => 0,
            };
            if at.offset <= most || at.offset == start {
                return Ok(None);
            }
            let splice = Splice {
                start,
                generation: at.generation,
                same: None,
                keep: true,
                ..Splice::default()
            };
            match self.splice(operation, &splice, wait) {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => {
                    let (_, kept) = done?;
                    engine::rotated(operation, self.name(), kept.as_deref());
                    return Ok(kept);
                }
            }
        }
    }

    /// Rotates before an append, if the journal is larger than `max_bytes`. Removes the
    /// rotated files beyond `keep`.
    #[cold]
    pub(crate) fn rotate_first(&self, most: u64, wait: &Waiting<'_>) -> Result<(), Error> {
        let rotated = self.begin_again("append", Begin::WithHeader, most, wait)?;
        if let Some(keep) = engine::rotation(self.options()).1
            && rotated.is_some()
        {
            self.prune("append", keep.into(), Duration::ZERO, wait)?;
        }
        Ok(())
    }

    /// Returns the names of the rotated files of this journal, oldest first: those that
    /// `rotate`, `clear`, `rewind` and `max_bytes` made, as far as they are unchanged.
    ///
    /// # Errors
    /// Those of the database.
    pub fn rotated(&self) -> Result<Vec<String>, Error> {
        let files = self.rotated_files("rotated")?;
        Ok(files.into_iter().map(|file| file.name).collect())
    }

    fn rotated_files(&self, operation: &'static str) -> Result<Vec<Rotated>, Error> {
        let kept = self.kept();
        kept.settle(operation, self.name())?;
        let sql = format!(
            "select kept, generation, size, (age * 1000)::bigint from {}.rotated($1::text, $2::text)",
            kept.link.schema
        );
        let params = [
            Param::Text(Some(&kept.key)),
            Param::Text(Some(self.file_name())),
        ];
        let rows = kept.link.read(operation, self.name(), &sql, &params)?;
        let file = |row| {
            let mut columns = Columns::of(row);
            Some(Rotated {
                name: columns.text()?,
                generation: columns.int()?,
                size: columns.int()?,
                age: Duration::from_millis(columns.int()?.try_into().unwrap_or(0)),
            })
        };
        Ok(rows.into_iter().filter_map(file).collect())
    }

    /// Removes rotated files, oldest first, and returns how many: all but the newest
    /// `keep`, and of these only files rotated longer ago than `older_than`, by the
    /// server's clock. Their records are gone. A reader or follower that has not read them
    /// yet reports a rewind. Only files of [`Journal::rotated`] are removed.
    ///
    /// # Errors
    /// As [`Journal::append_batch`], without `CONFLICT`.
    pub fn prune_rotated(&self, keep: u64, older_than: Duration) -> Result<u64, Error> {
        self.prune_rotated_with(keep, older_than, &CallOptions::new())
    }

    /// Does the same as [`Journal::prune_rotated`], with cancellation.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn prune_rotated_with(
        &self,
        keep: u64,
        older_than: Duration,
        call: &CallOptions<'_>,
    ) -> Result<u64, Error> {
        let wait = Waiting::begin("prune_rotated", self.name(), call, None)?;
        self.prune("prune_rotated", keep, older_than, &wait)
    }

    fn prune(
        &self,
        operation: &'static str,
        keep: u64,
        older_than: Duration,
        wait: &Waiting<'_>,
    ) -> Result<u64, Error> {
        loop {
            let files = self.rotated_files(operation)?;
            let keep = usize::try_from(keep).unwrap_or(usize::MAX);
            let surplus = files.len().saturating_sub(keep);
            // Never one after a file that stays: the records between them would be missing.
            let changes: Vec<Change<'_>> = files[..surplus]
                .iter()
                .take_while(|file| older_than.is_zero() || file.age > older_than)
                .map(|file| Change {
                    verb: "remove",
                    name: &file.name,
                    generation: Some(file.generation),
                    end: Some(file.size),
                    ..Change::default()
                })
                .collect();
            if changes.is_empty() {
                return Ok(0);
            }
            let under = self.kept().under(operation, self.name())?;
            match self
                .kept()
                .commit(operation, self.name(), &changes, under, Some(wait))
            {
                // Another process removes them, or has written to one.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| changes.len() as u64),
            }
        }
    }

    /// Replaces all records of the journal with these: all of them or none. The header
    /// stays. The old records are gone; `rotate` keeps them.
    ///
    /// # Errors
    /// As [`Journal::append_batch`].
    pub fn replace<I>(&self, records: I) -> Result<Position, Error>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        self.replace_batch(&self.collect(records)?, &CallOptions::new())
    }

    /// Replaces all records of the journal with those of a batch.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn replace_batch(&self, batch: &Batch, call: &CallOptions<'_>) -> Result<Position, Error> {
        engine::check_batch(batch, self.name())?;
        let wait = Waiting::begin("replace", self.name(), call, None)?;
        loop {
            let (at, header) = engine::beginning(self, "replace")?;
            match self.replace_from(
                "replace",
                at,
                (header.len() as u64, None),
                batch.bytes(),
                &wait,
            ) {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done,
            }
        }
    }

    /// Replaces the bytes after the header by these. A missing journal is created.
    fn replace_from(
        &self,
        operation: &'static str,
        at: Position,
        (start, stop): (u64, Option<u64>),
        bytes: &[u8],
        wait: &Waiting<'_>,
    ) -> Result<Position, Error> {
        if at.generation == 0 {
            let change = Change {
                verb: "put",
                name: self.file_name(),
                bytes: Some(bytes),
                generation: Some(0),
                ..Change::default()
            };
            return self.change(operation, change, wait);
        }
        let splice = Splice {
            bytes,
            start,
            stop,
            generation: at.generation,
            same: Some(0),
            ..Splice::default()
        };
        Ok(self.splice(operation, &splice, wait)?.0)
    }

    /// Rewrites the journal, whole or not at all: `f` reads the old records and pushes the
    /// new ones. If `f` fails, nothing changes. Records that other processes append
    /// meanwhile come after the new ones. Damaged stretches are not carried over.
    ///
    /// # Errors
    /// That of `f`; `CONFLICT` if another process rewrote the journal meanwhile; and as
    /// [`Journal::append_batch`].
    pub fn compact<F>(&self, f: F) -> Result<Position, Error>
    where
        F: FnOnce(&mut Rewrite) -> Result<(), Error>,
    {
        self.try_compact(f)
    }

    /// Does the same as [`Journal::compact`] with an error type of the caller's own.
    ///
    /// # Errors
    /// The same.
    pub fn try_compact<F, E>(&self, f: F) -> Result<Position, E>
    where
        F: FnOnce(&mut Rewrite) -> Result<(), E>,
        E: From<Error>,
    {
        let mut rewrite = self.begin_rewrite(&CallOptions::new())?;
        f(&mut rewrite)?;
        Ok(rewrite.commit()?)
    }

    /// Begins a rewrite. Nothing is locked until its commit.
    ///
    /// # Errors
    /// `CANCELLED`; `LIMIT_EXCEEDED` if a line is longer than `max_record`, as it would be
    /// lost; those of the database.
    pub fn begin_rewrite(&self, call: &CallOptions<'_>) -> Result<Rewrite, Error> {
        Waiting::begin("compact", self.name(), call, None)?.check("compact", self.name())?;
        let (at, header) = engine::beginning(self, "compact")?;
        Ok(Rewrite {
            lines: Some(engine::new_lines(self, "compact", !header.is_empty())?),
            header: header.len() as u64,
            journal: self.clone(),
            at,
        })
    }

    /// Changes the header, or adds one to the journal. If it fits in the old one's place
    /// (see [`untorn::JournalOptions::header_reserve`]), positions stay valid.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the journal was opened without `header_prefix`.
    /// `INVALID_RECORD` if the header does not begin with that prefix, ends in a space, or
    /// could not be a record. Also the errors of [`Journal::append_batch`].
    pub fn set_header(&self, header: &[u8]) -> Result<(), Error> {
        self.set_header_with(header, &CallOptions::new())
    }

    /// Does the same as [`Journal::set_header`], with cancellation.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn set_header_with(&self, header: &[u8], call: &CallOptions<'_>) -> Result<(), Error> {
        let mut batch = self.batch();
        batch.set_header(header)?;
        let wait = Waiting::begin("set_header", self.name(), call, None)?;
        self.put_with_header("set_header", header, &batch, None, &wait)
            .map(drop)
    }

    /// Changes the header and appends records in one step: both or neither.
    ///
    /// # Errors
    /// As [`Journal::set_header`] and [`Journal::append_all`].
    pub fn append_with_header<I>(&self, header: &[u8], records: I) -> Result<Position, Error>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let mut batch = self.collect(records)?;
        batch.set_header(header)?;
        self.append_batch(&batch, None, &CallOptions::new())
    }

    pub(crate) fn put_with_header(
        &self,
        operation: &'static str,
        header: &[u8],
        batch: &Batch,
        expected: Option<Position>,
        wait: &Waiting<'_>,
    ) -> Result<Position, Error> {
        let mut stamps = true;
        loop {
            let (at, old) = engine::beginning(self, operation)?;
            let (line, fits) = engine::new_header(self, &old, header)?;
            let done = if at.offset == 0 {
                let bytes = [&line[..], batch.bytes()].concat();
                let change = Change {
                    verb: "line",
                    name: self.file_name(),
                    bytes: Some(&bytes),
                    generation: Some(expected.unwrap_or(at).generation as i64),
                    end: Some(expected.map_or(0, |expected| expected.offset as i64)),
                    ..Change::default()
                };
                self.change(operation, change, wait)
            } else {
                let same = line.len() == old.len();
                let splice = Splice {
                    bytes: &line,
                    stop: Some(old.len() as u64),
                    lines: batch.bytes(),
                    generation: expected.unwrap_or(at).generation,
                    end: expected.map(|expected| expected.offset),
                    same: Some(if same { at.offset } else { 0 }),
                    in_place: fits && stamps,
                    ..Splice::default()
                };
                let done = self.splice(operation, &splice, wait);
                if let Err(error) = &done
                    && error.kind() == ErrorKind::InvalidArgument
                    && splice.in_place
                {
                    // The line is not in one piece: it was copied here in two.
                    stamps = false;
                    continue;
                }
                done.map(|(end, _)| end)
            };
            match done {
                Err(error) if error.kind() == ErrorKind::Conflict && expected.is_none() => {}
                done => return done,
            }
        }
    }

    /// Returns the new end, and the name of the rotated file.
    fn splice(
        &self,
        operation: &'static str,
        splice: &Splice<'_>,
        wait: &Waiting<'_>,
    ) -> Result<(Position, Option<String>), Error> {
        let kept = self.kept();
        let under = kept.under(operation, self.name())?;
        let (generation, end, rotated) = kept.rewrite(
            operation,
            self.name(),
            self.file_name(),
            splice,
            under,
            wait,
        )?;
        self.saw(end as u64);
        let end = Position {
            generation: generation as u64,
            offset: end as u64,
        };
        Ok((end, rotated))
    }
}

/// A rotated file, as the database lists it.
struct Rotated {
    name: String,
    generation: i64,
    size: i64,
    age: Duration,
}

/// A journal that is being rewritten. It has the verbs of [`untorn::Rewrite`], but nothing
/// is locked: records that other processes append meanwhile come after the new ones, and
/// the commit is refused if another process rewrote the journal.
pub struct Rewrite {
    journal: Journal,
    /// The journal as it was, and the length of its header's line.
    at: Position,
    header: u64,
    /// `None`: finished.
    lines: Option<NewLines>,
}

impl Rewrite {
    /// Returns the records that the journal had when the rewrite began.
    ///
    /// # Errors
    /// As [`untorn::JournalReader::records`]; `INVALID_ARGUMENT` if the rewrite is
    /// finished.
    pub fn records(&self) -> Result<Records, Error> {
        match &self.lines {
            Some(_) => engine::records_until(&self.journal, self.at),
            None => Err(self.finished()),
        }
    }

    /// Returns how many bytes the old journal has.
    pub fn old_bytes(&self) -> u64 {
        self.at.offset
    }

    /// Adds a record from any source, so it is checked first.
    ///
    /// # Errors
    /// `INVALID_RECORD`, `LIMIT_EXCEEDED`: the record is not added.
    pub fn push(&mut self, record: &[u8]) -> Result<(), Error> {
        match &mut self.lines {
            Some(lines) => lines.push(record),
            None => Err(self.finished()),
        }
    }

    /// Adds a record that a JSON encoder has just made, or that was read from this journal.
    ///
    /// # Errors
    /// As [`Rewrite::push`].
    pub fn push_encoded(&mut self, record: &[u8]) -> Result<(), Error> {
        match &mut self.lines {
            Some(lines) => lines.push_encoded(record),
            None => Err(self.finished()),
        }
    }

    /// Makes the pushed records the journal.
    ///
    /// # Errors
    /// `CONFLICT` if another process rewrote or removed the journal meanwhile;
    /// `INVALID_ARGUMENT` if the rewrite is finished; and as [`Journal::append_batch`].
    pub fn commit(&mut self) -> Result<Position, Error> {
        let Some(lines) = self.lines.take() else {
            return Err(self.finished());
        };
        let wait = Waiting::begin("compact", self.journal.name(), &CallOptions::new(), None)?;
        let range = (self.header, Some(self.at.offset));
        self.journal
            .replace_from("compact", self.at, range, lines.bytes(), &wait)
    }

    /// Ends the rewrite; the journal stays as it is. A second call does nothing.
    pub fn discard(&mut self) {
        self.lines = None;
    }

    #[cold]
    fn finished(&self) -> Error {
        Error::invalid_argument(
            "compact",
            self.journal.name(),
            "this rewrite is finished; begin another",
        )
    }
}

impl fmt::Debug for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rewrite")
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}
