//! What callers see of rewrites.

use std::path::PathBuf;

use super::rewind::rewind;
use super::{Rewrite, rotate};
use crate::error::Result;
use crate::journal::append::Batch;
use crate::journal::handle::Journal;
use crate::lock::Call;
use crate::position::Position;

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
        self.handle
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
        self.handle
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
}
