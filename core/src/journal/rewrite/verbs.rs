//! What callers see of rewrites.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Draft, Old, rotate};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::File;
use crate::journal::open::Data;
use crate::journal::seal::{self, Chain};
use crate::journal::shared::Shared;
use crate::journal::writer::Writer;
use crate::journal::{Batch, Journal, Position, Records, header};
use crate::lock::record::Same;
use crate::lock::{Call, Held, Kept, LockFile};

impl Journal {
    /// Goes back to a position of this journal: what was appended since is
    /// removed. The whole journal as it was is kept in a rotated file, whose
    /// path this gives; `None` if there is nothing behind the position. `0:0`, where a
    /// journal ends that is not there yet, goes back to the start. The header
    /// stays.
    ///
    /// The journal is another file from then on: positions of before are
    /// refused. Writers and readers of other processes find that by themselves.
    ///
    /// # Errors
    /// `CONFLICT` if the position is not one of this file's: its position is
    /// where the journal ends. `PERMISSION_DENIED`, `STORAGE_FULL`,
    /// `LOCK_TIMEOUT` and other failures of the system: the journal is as it was.
    /// `NOT_DURABLE`: the change is in place, but a power cut may undo it; from
    /// then on `POISONED`.
    pub fn rewind(&self, position: Position) -> Result<Option<PathBuf>> {
        self.rewind_with(position, &Call::new())
    }

    /// [`Journal::rewind`], with a way to wait, to cancel, or to work under a
    /// lock that is held already.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn rewind_with(&self, position: Position, call: &Call<'_>) -> Result<Option<PathBuf>> {
        self.shared
            .under_lock("rewind", call, |shared, writer, lock| {
                rewind(shared, writer, lock, position)
            })
    }

    /// Begins the journal anew, with its header if it has one: the records are
    /// kept in a rotated file (`name_1.ext`, `name_2.ext`, …; numbers only
    /// grow), whose path this gives. `None`: there were none.
    ///
    /// # Errors
    /// As [`Journal::rewind`], but for `CONFLICT`.
    pub fn rotate(&self) -> Result<Option<PathBuf>> {
        self.rotate_with(&Call::new())
    }

    /// [`Journal::rotate`], with a way to wait, to cancel, or to work under a
    /// lock that is held already.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn rotate_with(&self, call: &Call<'_>) -> Result<Option<PathBuf>> {
        self.shared
            .under_lock("rotate", call, |shared, writer, lock| {
                rotate::rotate(shared, writer, lock, "rotate")
            })
    }

    /// Puts these records in the place of all that are there: all of them or
    /// none. The header stays. The old records are gone; `rotate` keeps them.
    ///
    /// # Errors
    /// `INVALID_RECORD`, `LIMIT_EXCEEDED`; as [`Journal::rewind`]; `CONFLICT` only
    /// if a program that takes no lock changed the journal meanwhile.
    pub fn replace<I>(&self, records: I) -> Result<Position>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        self.replace_batch(&self.collect(records)?, &Call::new())
    }

    /// [`Journal::replace`] by a batch, with a way to wait, to cancel, or to
    /// work under a lock that is held already.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn replace_batch(&self, batch: &Batch, call: &Call<'_>) -> Result<Position> {
        self.check_batch(batch)?;
        let mut rewrite = self.begin("replace", call)?;
        rewrite.check_first(batch.lines())?;
        rewrite.add(batch.lines())?;
        rewrite.commit()
    }

    /// Rewrites the journal under its lock, whole or not at all: `f` reads the
    /// old records and pushes the new ones. If it fails, nothing changes. Others
    /// wait with their appends, which then go into the new file. Damaged
    /// stretches are not carried over.
    ///
    /// # Errors
    /// That of `f`; and as [`Journal::replace`].
    pub fn compact<F>(&self, f: F) -> Result<Position>
    where
        F: FnOnce(&mut Rewrite) -> Result<()>,
    {
        let mut rewrite = self.begin("compact", &Call::new())?;
        f(&mut rewrite)?;
        rewrite.commit()
    }

    /// Takes the lock for a rewrite; it is held until the rewrite is committed
    /// or dropped.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `CANCELLED`, and failures of the system.
    pub fn begin_rewrite(&self, call: &Call<'_>) -> Result<Rewrite> {
        self.begin("compact", call)
    }

    fn begin(&self, operation: &'static str, call: &Call<'_>) -> Result<Rewrite> {
        let shared = &self.shared;
        let under = Under::begin(shared, operation, call)?;
        let draft = under.run(shared, operation, |lock| {
            let mut draft = Draft::begin(shared, &mut shared.desk().writer, lock, operation)?;
            match keep_header(shared, &mut draft) {
                Ok(()) => Ok(draft),
                Err(error) => {
                    draft.discard(lock);
                    Err(error)
                }
            }
        })?;
        Ok(Rewrite {
            shared: Arc::clone(shared),
            open: Some((draft, under)),
            operation,
        })
    }
}

/// The header goes along.
fn keep_header(shared: &Shared, draft: &mut Draft) -> Result<()> {
    let Some((data, _)) = &draft.old else {
        return Ok(());
    };
    let header = header::read_line(&data.file, &shared.options)
        .map_err(|error| Error::os(draft.operation, &shared.path, error))?;
    draft.write(shared, &header)
}

fn rewind(
    shared: &Shared,
    writer: &mut Writer,
    lock: LockFile<'_>,
    position: Position,
) -> Result<Option<PathBuf>> {
    let told = |error| Error::os("rewind", &shared.path, error);
    let Some((data, end)) = writer.current(shared, "rewind", lock)? else {
        if position == Position::NOTHING {
            return Ok(None);
        }
        return Err(not_of_this(shared, position, Position::NOTHING));
    };
    let actual = Position {
        generation: data.generation,
        offset: end,
    };
    if !is_of(&data, position, end).map_err(told)? {
        return Err(not_of_this(shared, position, actual));
    }
    let header = header::read_line(&data.file, &shared.options).map_err(told)?;
    let stop = position.offset.max(header.len() as u64);
    if stop >= end {
        return Ok(None);
    }
    let mut draft = Draft::begin(shared, writer, lock, "rewind")?;
    if let Err(error) = copy_up_to(shared, &mut draft, &data.file, stop) {
        draft.discard(lock);
        return Err(error);
    }
    let published = draft.publish(shared, lock, Same::Prefix(stop), Old::Kept);
    writer.close();
    Ok(published?.rotated)
}

/// The first `stop` bytes. Where that cuts through a sealed append, its last
/// record says so.
fn copy_up_to(shared: &Shared, draft: &mut Draft, file: &File, stop: u64) -> Result<()> {
    let closing = match shared.options.sealed {
        true => {
            seal::closing(file, stop).map_err(|error| Error::os("rewind", &shared.path, error))?
        }
        false => None,
    };
    let closing = closing.as_ref().map_or(&[][..], |closing| closing);
    draft.copy(shared, file, 0, stop - closing.len() as u64)?;
    draft.write(shared, closing)
}

/// Whether this is a position of this file, at a record's end.
fn is_of(data: &Data, position: Position, end: u64) -> std::io::Result<bool> {
    if position == Position::NOTHING {
        return Ok(true);
    }
    if position.generation != data.generation || position.offset > end {
        return Ok(false);
    }
    let mut before = [b'\n'];
    if position.offset > 0 {
        data.file.read_full_at(&mut before, position.offset - 1)?;
    }
    Ok(before == *b"\n")
}

#[cold]
fn not_of_this(shared: &Shared, position: Position, actual: Position) -> Error {
    let why = if position.generation != actual.generation {
        "it is of another file: the journal was rewritten or replaced since"
    } else if position.offset > actual.offset {
        "it lies behind the end"
    } else {
        "it is in the middle of a record"
    };
    Error::new(
        ErrorKind::Conflict,
        "rewind",
        &shared.path,
        format!("position {position} is not one of this journal's, which ends at {actual}: {why}; nothing was changed"),
    )
    .at(actual)
}

/// The lock that several steps are made under.
pub(in crate::journal) enum Under {
    Own(Held),
    Given(Arc<Kept>),
}

impl Under {
    /// Takes the lock, or stays under the one that the call was given.
    pub fn begin(shared: &Shared, operation: &'static str, call: &Call<'_>) -> Result<Under> {
        shared.usable(operation)?;
        Ok(match call.guard() {
            Some(kept) => Under::Given(Arc::clone(kept)),
            None => {
                let patience = call.begin(shared.options.timeout);
                Under::Own(shared.lock.acquire(operation, false, &patience)?)
            }
        })
    }

    /// Makes sure of the lock, for one step.
    pub fn run<T>(
        &self,
        shared: &Shared,
        operation: &'static str,
        step: impl FnOnce(LockFile<'_>) -> Result<T>,
    ) -> Result<T> {
        match self {
            Under::Own(held) if held.is_ours() => step(held.lock_file()),
            Under::Own(_) => Err(Error::invalid_argument(
                operation,
                &shared.path,
                "the lock belongs to the process that this one was forked from",
            )),
            Under::Given(kept) => {
                let held = kept.work(operation, &shared.path, &shared.lock)?;
                match &*held {
                    Some(held) => step(held.lock_file()),
                    None => Err(Error::internal(operation, &shared.path, "the lock is gone")),
                }
            }
        }
    }
}

/// A journal that is being rewritten: nobody else changes it until this is
/// committed or dropped. It may be sent to another thread.
///
/// ```
/// use untorn::{Call, Journal};
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::open(dir.path().join("events.jsonl"))?;
/// journal.append_all(["{\"id\":1}", "{\"id\":1,\"gone\":true}", "{\"id\":2}"])?;
/// let mut rewrite = journal.begin_rewrite(&Call::new())?;
/// for record in rewrite.records()? {
///     let record = record?;
///     if record.bytes.ends_with(b"2}") {
///         rewrite.push(&record.bytes)?;
///     }
/// }
/// rewrite.commit()?;
/// assert_eq!(journal.tail(10)?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Rewrite {
    shared: Arc<Shared>,
    open: Option<(Draft, Under)>,
    operation: &'static str,
}

impl Rewrite {
    /// The records as they are until the commit.
    ///
    /// # Errors
    /// As [`Journal::records`].
    pub fn records(&self) -> Result<Records> {
        if self.open.is_none() {
            return Err(self.finished());
        }
        Records::open(&self.shared, None)
    }

    /// Adds a record that may come from anywhere: it is checked.
    ///
    /// # Errors
    /// `INVALID_RECORD`, `LIMIT_EXCEEDED`: the record is not added.
    /// `STORAGE_FULL` and other failures of the system.
    pub fn push(&mut self, record: &[u8]) -> Result<()> {
        self.shared.rules.check(record)?;
        self.add_record(record)
    }

    /// Adds a record that a JSON encoder has just made, or that was read from
    /// this journal: only newlines, NULs, emptiness and length are looked at.
    ///
    /// # Errors
    /// As [`Rewrite::push`].
    pub fn push_encoded(&mut self, record: &[u8]) -> Result<()> {
        self.shared.rules.check_framing(record)?;
        self.add_record(record)
    }

    fn add_record(&mut self, record: &[u8]) -> Result<()> {
        self.check_first(record)?;
        if self.shared.options.sealed {
            let mut line = Vec::new();
            Chain::default().add(&mut line, record);
            return self.add(&line);
        }
        self.add(record)?;
        self.add(b"\n")
    }

    /// What would read as a header is no record.
    fn check_first(&self, line: &[u8]) -> Result<()> {
        let first = self
            .open
            .as_ref()
            .is_some_and(|(draft, _)| draft.length() == 0);
        if first && header::is_header(&self.shared.options, line) {
            return Err(header::not_a_record(&self.shared.path));
        }
        Ok(())
    }

    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.open {
            Some((draft, _)) => draft.write(&self.shared, bytes),
            None => Err(self.finished()),
        }
    }

    /// Makes what was pushed the journal, and lets the lock go.
    ///
    /// # Errors
    /// As [`Journal::replace`]; `INVALID_ARGUMENT` if the rewrite is finished.
    pub fn commit(&mut self) -> Result<Position> {
        self.shared.usable(self.operation)?;
        let Some((draft, under)) = self.open.take() else {
            return Err(self.finished());
        };
        let shared = &self.shared;
        // Without the lock nothing is done: whoever locks next finds the mark
        // in the lock file and clears up.
        under.run(shared, self.operation, |lock| {
            let published = draft.publish(shared, lock, Same::Prefix(0), Old::Dropped);
            shared.desk().writer.close();
            Ok(published?.end)
        })
    }

    /// Lets the lock go; the journal stays as it is. A second time does
    /// nothing.
    pub fn discard(&mut self) {
        if let Some((draft, under)) = self.open.take() {
            // As above.
            let _ = under.run(&self.shared, self.operation, |lock| {
                draft.discard(lock);
                Ok(())
            });
        }
    }

    #[cold]
    fn finished(&self) -> Error {
        Error::invalid_argument(
            self.operation,
            &self.shared.path,
            "this rewrite is finished, and its lock is let go",
        )
    }
}

impl Drop for Rewrite {
    fn drop(&mut self) {
        self.discard();
    }
}

impl fmt::Debug for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rewrite")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}
