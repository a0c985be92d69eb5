//! What callers see of reading, following, folding, repairing and syncing.

use super::data::Epoch;
use super::fold::{Fold, FoldCursor};
use super::follow::Follow;
use super::handle::Journal;
use super::read::{self, OwnedRecord, Record, Records, Report};
use crate::error::Result;
use crate::lock::Call;
use crate::oslock::LockFile;
use crate::position::Position;

impl Journal {
    /// Where the last whole record ends, and never within an append of many.
    /// Takes no lock: an append that is in flight may count or not.
    ///
    /// # Errors
    /// `NOT_FOUND` without `create`, and failures of the system.
    pub fn end(&self) -> Result<Position> {
        read::tail::end(&self.handle)
    }

    /// Reads all records.
    ///
    /// # Errors
    /// `NOT_FOUND` without `create`, and failures of the system.
    pub fn records(&self) -> Result<Records> {
        Records::open(&self.handle.shared, None)
    }

    /// Reads the records from `position` on.
    ///
    /// # Errors
    /// `CONFLICT` if the position is not one of this file's; and as
    /// [`Journal::records`].
    pub fn records_from(&self, position: Position) -> Result<Records> {
        Records::open(&self.handle.shared, Some(position))
    }

    /// The last `n` records, oldest first, read backwards from the end: it
    /// costs the same however long the journal is.
    ///
    /// # Errors
    /// As [`Journal::records`].
    pub fn tail(&self, n: usize) -> Result<Vec<OwnedRecord>> {
        self.tail_with(n, &Call::new())
    }

    /// [`Journal::tail`], with a way to end it: the last million takes its time.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn tail_with(&self, n: usize, call: &Call<'_>) -> Result<Vec<OwnedRecord>> {
        read::tail::tail(&self.handle, n, call)
    }

    /// Yields the records behind `position`, and then those that are appended
    /// from now on, by whichever process, as they come: see [`Follow`]. `None`:
    /// from the end on.
    ///
    /// # Errors
    /// `CONFLICT` if the position is in the middle of a record or behind the
    /// end; and as [`Journal::records`]. (That the file has been rewritten or
    /// replaced since is no error: the first thing that [`Follow::next`] gives
    /// tells so.)
    pub fn follow(&self, position: Option<Position>) -> Result<Follow> {
        Follow::begin(&self.handle.shared, position)
    }

    /// A state that is kept from the records: `apply` is called once for each,
    /// in file order, whoever appends it: see [`Fold`].
    ///
    /// # Errors
    /// As [`Fold::refresh`], which is done once.
    pub fn fold<S, E>(
        &self,
        initial: impl Fn() -> S + Send + Sync + 'static,
        apply: impl Fn(&mut S, &Record<'_>) -> std::result::Result<(), E> + Send + Sync + 'static,
    ) -> Result<Fold<S>>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Fold::begin(self.fold_cursor(), initial, apply)
    }

    /// What a fold is made of, for languages whose functions can't be called
    /// from here: see [`FoldCursor`].
    #[must_use]
    pub fn fold_cursor(&self) -> FoldCursor {
        FoldCursor::new(&self.handle)
    }

    /// Checks every record, takes no lock and changes nothing. A torn tail may
    /// be an append in flight.
    ///
    /// # Errors
    /// As [`Journal::records`].
    pub fn verify(&self) -> Result<Report> {
        self.verify_with(&Call::new())
    }

    /// [`Journal::verify`], with a way to cancel. It waits for nobody.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn verify_with(&self, call: &Call<'_>) -> Result<Report> {
        read::verify(&self.handle.shared, "verify", &call.begin(None))
    }

    /// Repairs the tail as the next append would, then checks every record.
    /// Damage before the tail is reported, never cut.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT` and failures of the system.
    pub fn repair(&self) -> Result<Report> {
        self.repair_with(&Call::new())
    }

    /// [`Journal::repair`], with a way to wait, to cancel, or to work under a
    /// lock that is held already.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn repair_with(&self, call: &Call<'_>) -> Result<Report> {
        let shared = &self.handle;
        shared.usable("repair")?;
        let repair = |lock: LockFile<'_>| shared.desk().writer.repair(shared, lock);
        let repaired = if call.guard().is_some() {
            shared.under_guard("repair", call, |_, lock| repair(lock))?
        } else {
            let patience = call.begin(shared.options.timeout);
            match shared.lock.acquire_if_there("repair", false, &patience)? {
                Some(held) => repair(held.lock_file())?,
                None => None,
            }
        };
        // Its time was for the lock: what is left of it is no limit here.
        let report = read::verify(&shared.shared, "repair", &call.begin(None))?;
        Ok(Report { repaired, ..report })
    }

    /// Makes everything in the file so far survive a power cut, whoever wrote
    /// it.
    ///
    /// # Errors
    /// `NOT_DURABLE`, and from then on `POISONED`.
    pub fn sync(&self) -> Result<()> {
        self.handle.usable("sync")?;
        let Some(data) = self.handle.desk().writer.open_for_sync(&self.handle.path)? else {
            return Ok(());
        };
        // What others wrote is in the file too: no earlier sync says anything of it.
        Epoch::now(&data)
            .sync(&self.handle)
            .map_err(|why| why.after(&self.handle, "sync", "what was written is in the file"))
    }
}
