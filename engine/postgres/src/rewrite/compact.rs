//! Puts other records in the place of all.

use std::fmt;

use untorn::engine::{self, NewLines, Waiting};
use untorn::{Batch, CallOptions, Error, ErrorKind, Position, Records};

use crate::journal::Journal;
use crate::kept::{Change, Splice};

impl Journal {
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
