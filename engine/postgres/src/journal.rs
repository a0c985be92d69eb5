//! A journal in the database.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use untorn::engine::{self, Waiting};
use untorn::{
    Batch, CallOptions, Error, ErrorKind, JournalBytes, JournalOptions, JournalReader,
    NextGeneration, Position,
};

use crate::appends::Appends;
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
    /// The size that was seen last, for `max_bytes`. At first it is not known.
    size: Arc<AtomicU64>,
    appends: Arc<Appends>,
}

const NOT_KNOWN: u64 = u64::MAX;

impl Journal {
    pub(crate) fn new(store: &Shared, kept: &Arc<Kept>, file: &str) -> Result<Journal, Error> {
        let name = kept.name_of(file);
        let bytes = Bytes {
            kept: Arc::clone(kept),
            file: file.to_owned(),
            name: name.clone(),
            listener: Arc::clone(&store.listener),
            rotated: Mutex::default(),
        };
        let is_there = || Ok::<_, Error>(kept.read("open", &name, file, None, 0, 0)?.is_some());
        if !engine::creates(&store.options.journal) && !is_there()? {
            let known = engine::Failure {
                detail: "the journal does not exist".to_owned(),
                ..Default::default()
            };
            return Err(engine::error(ErrorKind::NotFound, "open", &name, known));
        }
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
            size: Arc::new(AtomicU64::new(NOT_KNOWN)),
            appends: Arc::default(),
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

    pub(crate) fn collect<I>(&self, records: I) -> Result<Batch, Error>
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
    /// returns the end after them. An empty batch appends nothing, but compares `at`. A
    /// header of the batch goes into the journal in the same step.
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
        if let (Some(most), _) = engine::rotation(self.options())
            && self.size.load(Ordering::Relaxed) > most
        {
            self.rotate_first(most, &wait)?;
        }
        if let Some(header) = engine::header_with(batch) {
            return self.put_with_header("append", header, batch, at, &wait);
        }
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
            must_exist: !engine::creates(self.options()),
        };
        let done = match batch.is_empty() {
            true => self.change("append", change, &wait),
            false => self.append_lines(&change, &wait),
        };
        match done {
            Err(error) if at.is_some() && error.kind() == ErrorKind::Conflict => {
                Err(self.finish(error, &wait))
            }
            done => done,
        }
    }

    fn append_lines(&self, change: &Change<'_>, wait: &Waiting<'_>) -> Result<Position, Error> {
        // In a forked child the one that is under way never ends.
        self.kept.link.here("append", &self.name)?;
        let under = self.kept.under("append", &self.name)?;
        let send = |bytes: &[u8]| {
            let way = self.appends.way();
            let change = Change {
                bytes: Some(bytes),
                ..*change
            };
            let (name, wait) = (&self.name, Some(wait));
            let answer = self
                .kept
                .append("append", name, &change, under, wait, way)?;
            self.appends.saw(way, bytes.len(), &answer);
            Ok(Position {
                generation: answer.generation as u64,
                offset: answer.end as u64,
            })
        };
        let bytes = change.bytes.unwrap_or_default();
        let end = match change.generation.is_none() && wait.is_patient() {
            true => self.appends.append(bytes, under.token, &send)?,
            false => send(bytes)?,
        };
        self.saw(end.offset);
        Ok(end)
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
            must_exist: false,
        };
        match self.change("append", newline, wait) {
            Ok(end) => self.has_changed("append", end.generation as i64, end.offset as i64),
            Err(error) => error,
        }
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

    pub(crate) fn change(
        &self,
        operation: &'static str,
        change: Change<'_>,
        wait: &Waiting<'_>,
    ) -> Result<Position, Error> {
        let under = self.kept.under(operation, &self.name)?;
        let answer = self
            .kept
            .commit(operation, &self.name, &[change], under, Some(wait))?;
        let end = Position {
            generation: answer.generations.first().copied().unwrap_or(0) as u64,
            offset: answer.ends.first().copied().unwrap_or(0) as u64,
        };
        self.saw(end.offset);
        Ok(end)
    }

    /// Notes the size, for `max_bytes`.
    pub(crate) fn saw(&self, size: u64) {
        self.size.store(size, Ordering::Relaxed);
    }

    /// Waits until all that the journal has is durable, whichever process wrote it.
    ///
    /// # Errors
    /// Those of the database.
    pub fn sync(&self) -> Result<(), Error> {
        // A read waits for the medium before it answers.
        self.kept
            .read("sync", &self.name, &self.file, None, 0, 0)
            .map(drop)
    }

    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    pub(crate) fn file_name(&self) -> &str {
        &self.file
    }

    pub(crate) fn options(&self) -> &JournalOptions {
        &self.kept.options.journal
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
            size: Arc::clone(&self.size),
            appends: Arc::clone(&self.appends),
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
    /// The rotated file that has the bytes of an earlier generation.
    rotated: Mutex<Option<(u64, String)>>,
}

impl Bytes {
    fn rotated(&self) -> MutexGuard<'_, Option<(u64, String)>> {
        self.rotated.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JournalBytes for Bytes {
    fn look(&self) -> io::Result<Option<(u64, u64)>> {
        let piece = self.kept.read("read", &self.name, &self.file, None, 0, 0)?;
        Ok(piece.map(|piece| (piece.generation as u64, piece.size as u64)))
    }

    fn read(&self, generation: u64, at: u64, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let rotated = self.rotated().clone();
        let file = match &rotated {
            Some((of, rotated)) if *of == generation => rotated,
            _ => &self.file,
        };
        let (generation, most) = (Some(generation as i64), buffer.len() as i64);
        let piece = self
            .kept
            .read("read", &self.name, file, generation, at as i64, most)?;
        Ok(piece.and_then(|piece| piece.bytes).map(|bytes| {
            buffer[..bytes.len()].copy_from_slice(&bytes);
            bytes.len()
        }))
    }

    fn after(&self, generation: u64) -> io::Result<Option<NextGeneration>> {
        let next = self
            .kept
            .next_generation("read", &self.name, &self.file, generation)?;
        Ok(next.map(|(next, rotated)| {
            *self.rotated() = rotated.map(|rotated| (generation, rotated));
            next
        }))
    }

    fn watch(&self, changed: Arc<dyn Fn() + Send + Sync>) -> Option<Box<dyn Send + Sync>> {
        self.listener
            .watch(&self.kept.link, &self.kept.key, &self.file, changed)
    }
}
