//! Rotates a journal, and lists and removes its rotated files.

use std::time::Duration;

use untorn::engine::{self, Waiting};
use untorn::{CallOptions, Error, ErrorKind};

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
}

/// A rotated file, as the database lists it.
struct Rotated {
    name: String,
    generation: i64,
    size: i64,
    age: Duration,
}
