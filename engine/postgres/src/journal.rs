//! A journal in the database.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use untorn::engine::{self, Waiting};
use untorn::{Batch, CallOptions, Error, ErrorKind, JournalBytes, JournalReader, Position};

use crate::kept::{Change, Kept, Piece};
use crate::listen::Listener;
use crate::shared::Shared;

/// A journal of a session in the database. It reads as a [`JournalReader`] does: the
/// same records, damage, seals and positions as of a file.
///
/// ```no_run
/// # fn main() -> Result<(), untorn_postgres::Error> {
/// # let connect = || postgres::Client::connect("", postgres::NoTls).map(Box::new);
/// # let store = untorn_postgres::Store::open(untorn_postgres::Connections::new(connect), "untorn")?;
/// let journal = store.session("chat:42")?.journal()?;
/// journal.append(b"{\"role\":\"user\"}")?;
/// for record in journal.tail(20)? {
///     println!("{}", String::from_utf8_lossy(&record.bytes));
/// }
/// # Ok(()) }
/// ```
pub struct Journal {
    reader: Arc<JournalReader>,
    kept: Arc<Kept>,
    file: String,
    /// The name in messages.
    name: PathBuf,
}

impl Journal {
    pub(crate) fn new(store: &Shared, kept: &Arc<Kept>, file: &str) -> Result<Journal, Error> {
        let name = kept.name_of(file);
        let bytes = Bytes {
            kept: Arc::clone(kept),
            file: file.to_owned(),
            name: name.clone(),
            listener: Arc::clone(&store.listener),
        };
        let reader = store
            .options
            .journal
            .clone()
            .reader(&name, Arc::new(bytes))?;
        Ok(Journal {
            reader: Arc::new(reader),
            kept: Arc::clone(kept),
            file: file.to_owned(),
            name,
        })
    }

    /// Appends one record and returns the end after it.
    ///
    /// # Errors
    /// As [`Journal::append_batch`].
    pub fn append(&self, record: &[u8]) -> Result<Position, Error> {
        self.append_with(record, &CallOptions::new())
    }

    /// Does the same as [`Journal::append`], with a timeout or cancellation.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn append_with(&self, record: &[u8], call: &CallOptions<'_>) -> Result<Position, Error> {
        self.append_batch(&self.collect([record])?, None, call)
    }

    /// Appends many records, all or none, and returns the end after the last.
    ///
    /// # Errors
    /// As [`Journal::append_batch`].
    pub fn append_all<I>(&self, records: I) -> Result<Position, Error>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        self.append_batch(&self.collect(records)?, None, &CallOptions::new())
    }

    /// Appends only if the journal ends at `expected` (compare-and-swap).
    ///
    /// # Errors
    /// `CONFLICT`, whose position is the actual end; and as [`Journal::append_batch`].
    pub fn append_at<I>(&self, expected: Position, records: I) -> Result<Position, Error>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        self.append_batch(&self.collect(records)?, Some(expected), &CallOptions::new())
    }

    fn collect<I>(&self, records: I) -> Result<Batch, Error>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let mut batch = self.reader.batch();
        for record in records {
            batch.push(record.as_ref())?;
        }
        Ok(batch)
    }

    /// Appends the records of a batch from [`JournalReader::batch`], all or none, and
    /// returns the end after them. An empty batch appends nothing, but compares `at`.
    ///
    /// # Errors
    /// `CONFLICT`; `LEASE_LOST`; `IO` if no connection brought an answer: then the next
    /// change is `POISONED` until the session was read.
    pub fn append_batch(
        &self,
        batch: &Batch,
        at: Option<Position>,
        call: &CallOptions<'_>,
    ) -> Result<Position, Error> {
        engine::check_batch(batch, &self.name)?;
        let wait = Waiting::begin("append", &self.name, call, None)?;
        let verb = match batch.is_empty() {
            true => "expect",
            false => "line",
        };
        let change = Change {
            verb,
            name: &self.file,
            bytes: Some(batch.bytes()),
            generation: at.map(|at| at.generation as i64),
            end: at.map(|at| at.offset as i64),
        };
        match self.change("append", change, &wait) {
            Err(error) if at.is_some() && error.kind() == ErrorKind::Conflict => {
                Err(self.finish(error, &wait))
            }
            done => done,
        }
    }

    /// Ends a torn tail, so that the next comparison is with an end that readers know.
    /// As with files, the first one is a conflict: the tail may become a record.
    #[cold]
    fn finish(&self, error: Error, wait: &Waiting<'_>) -> Error {
        let Some(end) = error.position().filter(|end| end.offset > 0) else {
            return error;
        };
        let (generation, size) = (end.generation as i64, end.offset as i64);
        let last = self.kept.read(
            "append",
            &self.name,
            &self.file,
            Some(generation),
            size - 1,
            1,
        );
        let is_torn = matches!(last, Ok(Some(Piece { bytes: Some(bytes), .. })) if bytes != b"\n");
        if !is_torn {
            return error;
        }
        let newline = Change {
            verb: "append",
            name: &self.file,
            bytes: Some(b"\n"),
            generation: Some(generation),
            end: Some(size),
        };
        match self.change("append", newline, wait) {
            Ok(end) => self.has_changed("append", end.generation as i64, end.offset as i64),
            Err(error) => error,
        }
    }

    /// Replaces all records of the journal with these: all of them or none.
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
        engine::check_batch(batch, &self.name)?;
        let wait = Waiting::begin("replace", &self.name, call, None)?;
        let change = Change {
            verb: "put",
            name: &self.file,
            bytes: Some(batch.bytes()),
            generation: None,
            end: None,
        };
        self.change("replace", change, &wait)
    }

    /// Removes the records after `to`, with a new generation. Returns the new end.
    ///
    /// # Errors
    /// `CONFLICT` if the position is not one of this generation's, or the journal changed
    /// meanwhile; and as [`Journal::append_batch`].
    pub fn rewind(&self, to: Position) -> Result<Position, Error> {
        self.rewind_with(to, &CallOptions::new())
    }

    /// Rewinds as [`Journal::rewind`] does, with a way to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn rewind_with(&self, to: Position, call: &CallOptions<'_>) -> Result<Position, Error> {
        let wait = Waiting::begin("rewind", &self.name, call, None)?;
        wait.check("rewind", &self.name)?;
        // The position must be the end of a record.
        match self.reader.records_from(to) {
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let end = self.reader.end()?;
                return Err(self.has_changed("rewind", end.generation as i64, end.offset as i64));
            }
            records => drop(records?),
        }
        let whole = self.kept.read_all("rewind", &self.name, &self.file)?;
        let (mut bytes, generation) = whole.unwrap_or_default();
        let end = bytes.len() as i64;
        if generation as u64 != to.generation || (end as u64) < to.offset {
            return Err(self.has_changed("rewind", generation, end));
        }
        bytes.truncate(to.offset as usize);
        let change = Change {
            verb: "put",
            name: &self.file,
            bytes: Some(&bytes),
            generation: Some(generation),
            end: Some(end),
        };
        self.change("rewind", change, &wait)
    }

    #[cold]
    fn has_changed(&self, operation: &'static str, generation: i64, end: i64) -> Error {
        let known = engine::Failure {
            detail: "the journal has changed; nothing was changed; read it again".to_owned(),
            position: Some(Position {
                generation: generation as u64,
                offset: end as u64,
            }),
            ..Default::default()
        };
        engine::error(ErrorKind::Conflict, operation, &self.name, known)
    }

    fn change(
        &self,
        operation: &'static str,
        change: Change<'_>,
        wait: &Waiting<'_>,
    ) -> Result<Position, Error> {
        let under = self.kept.under(operation, &self.name)?;
        let answer = self
            .kept
            .commit(operation, &self.name, &[change], under, Some(wait))?;
        Ok(Position {
            generation: answer.generations.first().copied().unwrap_or(0) as u64,
            offset: answer.ends.first().copied().unwrap_or(0) as u64,
        })
    }

    /// Returns the journal's name in messages: schema, key and file.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.name
    }
}

impl Clone for Journal {
    fn clone(&self) -> Journal {
        Journal {
            reader: Arc::clone(&self.reader),
            kept: Arc::clone(&self.kept),
            file: self.file.clone(),
            name: self.name.clone(),
        }
    }
}

impl Deref for Journal {
    type Target = JournalReader;

    fn deref(&self) -> &JournalReader {
        &self.reader
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

struct Bytes {
    kept: Arc<Kept>,
    file: String,
    name: PathBuf,
    listener: Arc<Listener>,
}

impl JournalBytes for Bytes {
    fn look(&self) -> io::Result<Option<(u64, u64)>> {
        let piece = self.kept.read("read", &self.name, &self.file, None, 0, 0)?;
        Ok(piece.map(|piece| (piece.generation as u64, piece.size as u64)))
    }

    fn read(&self, generation: u64, at: u64, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let (generation, most) = (Some(generation as i64), buffer.len() as i64);
        let piece = self
            .kept
            .read("read", &self.name, &self.file, generation, at as i64, most)?;
        Ok(piece.and_then(|piece| piece.bytes).map(|bytes| {
            buffer[..bytes.len()].copy_from_slice(&bytes);
            bytes.len()
        }))
    }

    fn watch(&self, changed: Arc<dyn Fn() + Send + Sync>) -> Option<Box<dyn Send + Sync>> {
        self.listener
            .watch(&self.kept.link, &self.kept.key, &self.file, changed)
    }
}
