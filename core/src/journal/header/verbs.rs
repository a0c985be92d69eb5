//! Adds the methods of `Journal` for headers.

use super::read::read;
use crate::error::{Error, Result};
use crate::journal::append::PendingWrite;
use crate::journal::handle::Journal;
use crate::journal::shared::Shared;
use crate::lock::CallOptions;
use crate::position::Position;

/// Returns the header, without its padding.
pub(crate) fn of(shared: &Shared) -> Result<Option<Vec<u8>>> {
    if !shared.options.has_headers() {
        return Err(Error::invalid_argument(
            "header",
            &shared.path,
            "this handle knows no headers: open the journal with header_prefix",
        ));
    }
    read(shared)
}

impl Journal {
    /// Returns the header, without its padding; `None` if the journal has none. Takes
    /// no lock, and never sees half a stamp.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the handle was opened without `header_prefix`; `NOT_FOUND`
    /// if the file is missing and `create` is off; also failures of the system.
    pub fn header(&self) -> Result<Option<Vec<u8>>> {
        of(&self.handle)
    }

    /// Changes the header, or adds one to the journal. A header that fits in the old
    /// one's place (see [`crate::JournalOptions::header_reserve`]) is written in place.
    /// Otherwise the whole journal is rewritten.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the handle was opened without `header_prefix`.
    /// `INVALID_RECORD` if the header does not begin with that prefix, ends in a space,
    /// or could not be a record. Also the errors of [`Journal::append`]. After each of
    /// these the header is as it was.
    pub fn set_header(&self, header: &[u8]) -> Result<()> {
        self.set_header_with(header, &CallOptions::new())
    }

    /// Does the same as [`Journal::set_header`], with a timeout or cancellation, or
    /// under a lock that is already held.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn set_header_with(&self, header: &[u8], call: &CallOptions<'_>) -> Result<()> {
        self.handle.rules.check_header(header)?;
        let work = PendingWrite {
            lines: &[],
            records: 0,
            header: Some(header),
            at: None,
        };
        self.commit(&work, call).map(drop)
    }

    /// Changes the header and appends records in one step: both or neither. That holds
    /// if a process dies, and with durability `power` across a power cut. A reader that
    /// takes no lock may see one before the other.
    ///
    /// # Errors
    /// As [`Journal::set_header`] and [`Journal::append_all`].
    pub fn append_with_header<I>(&self, header: &[u8], records: I) -> Result<Position>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let batch = self.collect(records)?;
        self.handle.rules.check_header(header)?;
        let work = PendingWrite {
            header: Some(header),
            ..batch.work(None)
        };
        self.commit(&work, &CallOptions::new())
    }
}
