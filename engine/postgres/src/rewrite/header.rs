//! Changes the header, alone or with records.

use untorn::engine::{self, Waiting};
use untorn::{Batch, CallOptions, Error, ErrorKind, Position};

use crate::journal::Journal;
use crate::kept::{Change, Splice};

impl Journal {
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
}
