//! Adds the methods of `Journal` for reading, following, folding, repairing and
//! syncing.

use super::fold::{Fold, FoldCursor};
use super::follow::Follow;
use super::handle::Journal;
use super::read::{self, OwnedRecord, Record, Records, Report};
use super::syncs::{Epoch, sync_notes};
use crate::error::Result;
use crate::lock::CallOptions;
use crate::oslock::LockFile;
use crate::position::Position;

impl Journal {
    /// Returns where the last whole record ends, and never a place within an append of
    /// many. Takes no lock: an append in flight may count or not.
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

    /// Reads the records after `position`.
    ///
    /// # Errors
    /// `CONFLICT` if the position is not one of this file's; also the errors of
    /// [`Journal::records`].
    pub fn records_from(&self, position: Position) -> Result<Records> {
        Records::open(&self.handle.shared, Some(position))
    }

    /// Returns the last `n` records, oldest first. They are read backwards from the
    /// end, at the same cost for any length of journal.
    ///
    /// # Errors
    /// As [`Journal::records`].
    pub fn tail(&self, n: usize) -> Result<Vec<OwnedRecord>> {
        self.tail_with(n, &CallOptions::new())
    }

    /// Does the same as [`Journal::tail`], with cancellation: the last million records
    /// take some time.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn tail_with(&self, n: usize, call: &CallOptions<'_>) -> Result<Vec<OwnedRecord>> {
        read::tail::tail(&self.handle, n, call)
    }

    /// Yields the records after `position`, and then each record that any process
    /// appends later: see [`Follow`]. `None` begins at the end.
    ///
    /// # Errors
    /// `CONFLICT` if the position is in the middle of a record or after the end; also
    /// the errors of [`Journal::records`]. A file that was rewritten or replaced since
    /// is no error: the first result of [`Follow::next`] reports it.
    pub fn follow(&self, position: Option<Position>) -> Result<Follow> {
        Follow::begin(&self.handle.shared, position)
    }

    /// Keeps a state from the records. `apply` is called once for each record, in file
    /// order, whichever process appends it: see [`Fold`].
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

    /// Returns the parts of a fold, for languages whose functions can't be called from
    /// here: see [`FoldCursor`].
    #[doc(hidden)]
    #[must_use]
    pub fn fold_cursor(&self) -> FoldCursor {
        FoldCursor::new(&self.handle)
    }

    /// Checks every record. Takes no lock and changes nothing. A torn tail may be an
    /// append in flight.
    ///
    /// # Errors
    /// As [`Journal::records`].
    pub fn verify(&self) -> Result<Report> {
        self.verify_with(&CallOptions::new())
    }

    /// Does the same as [`Journal::verify`], with cancellation. It waits for no lock.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn verify_with(&self, call: &CallOptions<'_>) -> Result<Report> {
        read::verify(&self.handle.shared, "verify", &call.begin(None))
    }

    /// Repairs the tail as the next append would, then checks every record. Damage
    /// before the tail is reported, never cut.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT` and failures of the system.
    pub fn repair(&self) -> Result<Report> {
        self.repair_with(&CallOptions::new())
    }

    /// Does the same as [`Journal::repair`], with a timeout or cancellation, or under a
    /// lock that is already held.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn repair_with(&self, call: &CallOptions<'_>) -> Result<Report> {
        let shared = &self.handle;
        shared.usable("repair")?;
        let repair = |lock: LockFile<'_>| shared.state().writer.repair(shared, lock);
        let repaired = if call.guard().is_some() {
            shared.under_guard("repair", call, |_, lock| repair(lock))?
        } else {
            let wait = call.begin(shared.options.timeout);
            match shared.lock.acquire_if_there("repair", false, &wait)? {
                Some(held) => repair(held.lock_file())?,
                None => None,
            }
        };
        // The timeout was for the lock: the rest of it does not limit the check.
        let report = read::verify(&shared.shared, "repair", &call.begin(None))?;
        Ok(Report { repaired, ..report })
    }

    /// Makes everything in the file so far survive a power cut, whichever process wrote
    /// it.
    ///
    /// # Errors
    /// `NOT_DURABLE`. Later calls fail with `POISONED`.
    pub fn sync(&self) -> Result<()> {
        self.handle.usable("sync")?;
        let Some(data) = self
            .handle
            .state()
            .writer
            .open_for_sync(&self.handle.path)?
        else {
            return Ok(());
        };
        // The file also holds what others wrote, which no earlier sync covers.
        Epoch::now(&data)
            .sync(&self.handle)
            .and_then(|()| sync_notes(&self.handle))
            .map_err(|why| why.after(&self.handle, "sync", "what was written is in the file"))
    }
}
