//! Adds the methods of `Journal` that append.

use std::time::Duration;

use super::batch::{Batch, PendingWrite};
use super::group_commit::{append, append_queued};
use crate::error::{Error, Result};
use crate::journal::handle::Journal;
use crate::journal::seal::Chain;
use crate::lock::CallOptions;
use crate::oslock::CancelToken;
use crate::position::Position;

impl Journal {
    /// Appends one record (without a newline) and returns the position after it.
    ///
    /// # Errors
    /// `INVALID_RECORD` if the record is not one JSON value in UTF-8 (format `json`), or
    /// holds a newline. `LIMIT_EXCEEDED` if it is longer than `max_record`.
    /// `LOCK_TIMEOUT`, `STORAGE_FULL` and other failures of the system. After each of
    /// these the journal is as it was.
    ///
    /// After `NOT_DURABLE` the record is in the file, but a power cut may lose it. Later
    /// calls then fail with `POISONED`.
    pub fn append(&self, record: &[u8]) -> Result<Position> {
        self.append_with(record, &CallOptions::new())
    }

    /// Does the same as [`Journal::append`], with a timeout or cancellation, or under a
    /// lock that is already held.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn append_with(&self, record: &[u8], call: &CallOptions<'_>) -> Result<Position> {
        self.handle.rules.check_no_header(record)?;
        self.handle.rules.check(record)?;
        // A record and its newline go with one write. Each thread has its own buffer,
        // so this takes no lock and allocates only once.
        thread_local!(static LINE: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) });
        let mut line = LINE.take();
        line.clear();
        match self.handle.options.sealed {
            true => Chain::default().add(&mut line, record),
            false => {
                line.extend_from_slice(record);
                line.push(b'\n');
            }
        }
        let work = PendingWrite {
            lines: &line,
            records: 1,
            header: None,
            at: None,
        };
        let result = self.commit(&work, call);
        if line.capacity() <= 1 << 16 {
            LINE.set(line);
        }
        result
    }

    /// Appends many records next to each other and returns the position after the last.
    /// It appends all or none, even if a process dies meanwhile. After a power cut a
    /// part of them may be in the file, unless the journal is sealed.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_all<I>(&self, records: I) -> Result<Position>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        self.append_batch(&self.collect(records)?, None, &CallOptions::new())
    }

    /// Appends only if the journal ends at `expected` (compare-and-swap).
    ///
    /// # Errors
    /// `CONFLICT`, whose position is the actual end; also the errors of
    /// [`Journal::append`].
    pub fn append_at<I>(&self, expected: Position, records: I) -> Result<Position>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        self.append_batch(&self.collect(records)?, Some(expected), &CallOptions::new())
    }

    pub(crate) fn collect<I>(&self, records: I) -> Result<Batch>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let mut batch = self.batch();
        let mut records = records.into_iter();
        if let Some(first) = records.next() {
            batch.push(first.as_ref())?;
            batch.reserve_like_first(records.size_hint().0);
        }
        for record in records {
            batch.push(record.as_ref())?;
        }
        Ok(batch)
    }

    /// Returns an empty batch for [`Journal::append_batch`].
    #[must_use]
    pub fn batch(&self) -> Batch {
        Batch::new(&self.handle.rules)
    }

    /// Appends a batch: all of it, or nothing. An empty batch appends nothing, but
    /// takes the lock and compares `at`.
    ///
    /// # Errors
    /// As [`Journal::append_with`] and [`Journal::append_at`].
    pub fn append_batch(
        &self,
        batch: &Batch,
        at: Option<Position>,
        call: &CallOptions<'_>,
    ) -> Result<Position> {
        self.check_batch(batch)?;
        self.commit(&batch.work(at), call)
    }

    /// Appends what is ready: at once, or after a wait.
    #[inline]
    pub(crate) fn commit(
        &self,
        work: &PendingWrite<'_>,
        call: &CallOptions<'_>,
    ) -> Result<Position> {
        match self.handle.append_at_once(work, call)? {
            Some(end) => Ok(end),
            None => append(&self.handle, work, call),
        }
    }

    /// Queues a batch and returns at once. A thread of the library calls `done`. Calls
    /// on one handle keep their order. Batches that queue up during a write are
    /// committed together. It is for bindings to event loops.
    #[doc(hidden)]
    pub fn append_queued(
        &self,
        batch: Batch,
        at: Option<Position>,
        timeout: Option<Option<Duration>>,
        cancel: Option<CancelToken>,
        done: impl FnOnce(Result<Position>) + Send + 'static,
    ) {
        if let Err(error) = self.check_batch(&batch) {
            return done(Err(error));
        }
        append_queued(&self.handle, batch, at, timeout, cancel, Box::new(done));
    }

    pub(crate) fn check_batch(&self, batch: &Batch) -> Result<()> {
        if batch.is_for(&self.handle.rules) {
            return Ok(());
        }
        Err(Error::invalid_argument(
            "append",
            self.path(),
            "the batch was made by another journal, and checked for that one",
        ))
    }
}
