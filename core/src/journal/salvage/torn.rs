//! Adds the methods of `Journal` for what repairs have cut off it.

use std::time::Duration;

use crate::error::Result;
use crate::journal::handle::Journal;
use crate::journal::record_policy::is_blank;
use crate::journal::seal;
use crate::lock::CallOptions;
use crate::position::Position;
use crate::torn::{self, TornEntry};

impl Journal {
    /// Returns what repairs and salvages have cut off this journal, oldest first. Takes
    /// no lock.
    ///
    /// # Errors
    /// Failures of the system. No `P.torn` is an empty list.
    pub fn torn(&self) -> Result<Vec<TornEntry>> {
        torn::list(&self.handle.path)
    }

    /// Returns the bytes of one entry of [`Journal::torn`].
    ///
    /// # Errors
    /// `NOT_FOUND` if there is no such entry, and failures of the system.
    pub fn torn_bytes(&self, number: u64) -> Result<Vec<u8>> {
        torn::read(&self.handle.path, number)
    }

    /// Gives the bytes of one entry back: appends them as records, all or none, and
    /// returns the position after the last. Each line of them is a record. The entry
    /// stays, so a second call appends them again.
    ///
    /// # Errors
    /// `NOT_FOUND` if there is no such entry. `INVALID_RECORD` if a line of it is no
    /// record: most entries are half a record. Also the errors of [`Journal::append`].
    pub fn restore_torn(&self, number: u64) -> Result<Position> {
        self.restore_torn_with(number, &CallOptions::new())
    }

    /// Does the same as [`Journal::restore_torn`], with a timeout or cancellation, or
    /// under a lock that is already held.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn restore_torn_with(&self, number: u64, call: &CallOptions<'_>) -> Result<Position> {
        let bytes = self.torn_bytes(number)?;
        let lines = bytes.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let sealed = self.handle.options.sealed;
        let records = lines.filter(|line| !is_blank(line)).map(|line| {
            // The append makes a new seal.
            let split = sealed.then(|| seal::split(line)).flatten();
            split.map_or(line, |(record, _)| record)
        });
        self.append_batch(&self.collect(records)?, None, call)
    }

    /// Forgets entries older than this, and returns how many.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT` and failures of the system; then nothing is removed.
    pub fn prune_torn(&self, older_than: Duration) -> Result<u64> {
        self.prune_torn_with(older_than, &CallOptions::new())
    }

    /// Does the same as [`Journal::prune_torn`], with a timeout or cancellation, or under
    /// a lock that is already held.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn prune_torn_with(&self, older_than: Duration, call: &CallOptions<'_>) -> Result<u64> {
        self.handle.under_lock("prune_torn", call, |shared, _, _| {
            torn::prune(&shared.path, older_than)
        })
    }
}
