//! Adds the methods of `Journal` that rewrite it.

use std::path::PathBuf;
use std::time::Duration;

use super::rewind::rewind;
use super::rotate::Begin;
use super::{Rewrite, rotate};
use crate::error::{Error, Result};
use crate::journal::append::Batch;
use crate::journal::handle::Journal;
use crate::lock::CallOptions;
use crate::position::Position;
use crate::rotated;

/// How many bytes are written between two reports of the progress.
const PIECE: usize = 1 << 20;

impl Journal {
    /// Goes back to a position of this journal: records appended after it are removed.
    /// A rotated file keeps the whole journal as it was, and this returns its path.
    /// Returns `None` if no record is after the position. `0:0` is the end of a missing
    /// journal, and goes back to the start. The header stays.
    ///
    /// The journal is then another file: earlier positions are refused. Writers and
    /// readers of other processes notice that by themselves.
    ///
    /// # Errors
    /// `CONFLICT` if the position is not one of this file's. The error's position is the
    /// journal's end. `PERMISSION_DENIED`, `STORAGE_FULL`, `LOCK_TIMEOUT` and other
    /// failures of the system. After each of these the journal is as it was.
    ///
    /// After `NOT_DURABLE` the change is in place, but a power cut may undo it. Later
    /// calls then fail with `POISONED`.
    pub fn rewind(&self, position: Position) -> Result<Option<PathBuf>> {
        self.rewind_with(position, &CallOptions::new())
    }

    /// Does the same as [`Journal::rewind`], with a timeout or cancellation, or under a
    /// lock that is already held.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn rewind_with(
        &self,
        position: Position,
        call: &CallOptions<'_>,
    ) -> Result<Option<PathBuf>> {
        self.handle
            .under_lock("rewind", call, |shared, writer, lock| {
                rewind(shared, writer, lock, position)
            })
    }

    /// Begins the journal again, with its header if it has one. A rotated file keeps
    /// the records (`name_1.ext`, `name_2.ext`, …; numbers only grow), and this returns
    /// its path. Returns `None` if the journal had no records.
    ///
    /// # Errors
    /// As [`Journal::rewind`], without `CONFLICT`.
    pub fn rotate(&self) -> Result<Option<PathBuf>> {
        self.rotate_with(&CallOptions::new())
    }

    /// Does the same as [`Journal::rotate`], with a timeout or cancellation, or under a
    /// lock that is already held.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn rotate_with(&self, call: &CallOptions<'_>) -> Result<Option<PathBuf>> {
        self.handle
            .under_lock("rotate", call, |shared, writer, lock| {
                rotate::rotate(shared, writer, lock, "rotate", Begin::WithHeader)
            })
    }

    /// Empties the journal: neither records nor a header stay. A rotated file keeps the
    /// whole journal as it was, and this returns its path. Returns `None` if the journal
    /// was empty or missing. [`Journal::rotate`] does the same, but the header stays.
    ///
    /// # Errors
    /// As [`Journal::rewind`], without `CONFLICT`.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// let journal = untorn::Journal::open(dir.path().join("j.jsonl"))?;
    /// journal.append(b"[1]")?;
    /// let kept = journal.clear()?.expect("a rotated file");
    /// assert_eq!(journal.tail(1)?, []);
    /// assert_eq!(std::fs::read(kept)?, b"[1]\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear(&self) -> Result<Option<PathBuf>> {
        self.clear_with(&CallOptions::new())
    }

    /// Does the same as [`Journal::clear`], with a timeout or cancellation, or under a
    /// lock that is already held.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn clear_with(&self, call: &CallOptions<'_>) -> Result<Option<PathBuf>> {
        self.handle
            .under_lock("clear", call, |shared, writer, lock| {
                rotate::rotate(shared, writer, lock, "clear", Begin::Empty)
            })
    }

    /// Returns the rotated files of this journal that exist, oldest first: those that
    /// `rotate`, `rewind` and `max_bytes` made. A file that another program copied,
    /// replaced or appended to since is not among them. Takes no lock.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn rotated(&self) -> Result<Vec<PathBuf>> {
        let path = &self.handle.path;
        rotated::unchanged(path).map_err(|error| Error::os("rotated", path, error))
    }

    /// Removes rotated files, oldest first, and returns how many: all but the newest
    /// `keep`, and of these only files last written to longer ago than `older_than`.
    /// Their records are gone. A reader or follower that has not read them yet reports
    /// a rewind. Only files of [`Journal::rotated`] are removed.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT` and failures of the system. Older files may be removed then.
    pub fn prune_rotated(&self, keep: u64, older_than: Duration) -> Result<u64> {
        self.prune_rotated_with(keep, older_than, &CallOptions::new())
    }

    /// Does the same as [`Journal::prune_rotated`], with a timeout or cancellation, or
    /// under a lock that is already held.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn prune_rotated_with(
        &self,
        keep: u64,
        older_than: Duration,
        call: &CallOptions<'_>,
    ) -> Result<u64> {
        const OPERATION: &str = "prune_rotated";
        self.handle.under_lock(OPERATION, call, |shared, _, _| {
            rotated::prune(&shared.path, keep, older_than)
                .map_err(|error| Error::os(OPERATION, &shared.path, error))
        })
    }

    /// Replaces all records of the journal with these: all of them or none. The header
    /// stays. The old records are gone; `rotate` keeps them.
    ///
    /// # Errors
    /// `INVALID_RECORD`, `LIMIT_EXCEEDED`, and the errors of [`Journal::rewind`].
    /// `CONFLICT` only if a program that takes no lock changed the journal meanwhile.
    pub fn replace<I>(&self, records: I) -> Result<Position>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        self.replace_batch(&self.collect(records)?, &CallOptions::new())
    }

    /// Does the same as [`Journal::replace`] with a batch, with a timeout or
    /// cancellation, or under a lock that is already held.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn replace_batch(&self, batch: &Batch, call: &CallOptions<'_>) -> Result<Position> {
        self.check_batch(batch)?;
        let mut rewrite = self.begin("replace", call)?;
        rewrite.check_first(batch.lines())?;
        let wait = call.begin(None);
        let mut asking = wait.asking();
        let (mut done, total) = (0, batch.lines().len() as u64);
        for piece in batch.lines().chunks(PIECE) {
            rewrite.add(piece)?;
            done += piece.len() as u64;
            if asking.is_ended_at(done, total) {
                return Err(Error::cancelled("replace", self.path()));
            }
        }
        let end = rewrite.commit()?;
        wait.all_done(total);
        Ok(end)
    }

    /// Rewrites the journal under its lock, whole or not at all: `f` reads the old
    /// records and pushes the new ones. If `f` fails, nothing changes. Other processes
    /// wait with their appends, which then go into the new file. Damaged stretches are
    /// not carried over.
    ///
    /// # Errors
    /// That of `f`, and the errors of [`Journal::replace`]. To fail with an error of your
    /// own, use [`Journal::try_compact`].
    pub fn compact<F>(&self, f: F) -> Result<Position>
    where
        F: FnOnce(&mut Rewrite) -> Result<()>,
    {
        self.try_compact(f)
    }

    /// Does the same as [`Journal::compact`] with an error type of the caller's own.
    ///
    /// # Errors
    /// That of `f`, and the errors of [`Journal::replace`].
    pub fn try_compact<F, E>(&self, f: F) -> std::result::Result<Position, E>
    where
        F: FnOnce(&mut Rewrite) -> std::result::Result<(), E>,
        E: From<Error>,
    {
        let mut rewrite = self.begin("compact", &CallOptions::new())?;
        f(&mut rewrite)?;
        Ok(rewrite.commit()?)
    }

    /// Takes the lock for a rewrite, and holds it until the rewrite is committed or
    /// dropped.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `CANCELLED`, and failures of the system.
    pub fn begin_rewrite(&self, call: &CallOptions<'_>) -> Result<Rewrite> {
        self.begin("compact", call)
    }
}
