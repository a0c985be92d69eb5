//! Makes a rewrite record by record, under one lock.

use std::fmt;
use std::sync::Arc;

use super::{Draft, Old, Under};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::append::group_commit::Handle;
use crate::journal::handle::Journal;
use crate::journal::header;
use crate::journal::read::{DamageKind, Records};
use crate::journal::record_policy::not_a_record;
use crate::journal::seal::Chain;
use crate::journal::shared::Shared;
use crate::lock::CallOptions;
use crate::lockfile::Same;
use crate::oslock::Within;
use crate::position::Position;

impl Journal {
    pub(crate) fn begin(&self, operation: &'static str, call: &CallOptions<'_>) -> Result<Rewrite> {
        let handle = &self.handle;
        let shared = &handle.shared;
        let under = Under::begin(shared, operation, call)?;
        under.note_work(Within::Compact);
        let draft = under.run(shared, operation, |lock| {
            if operation == "compact" {
                nothing_is_too_long(shared)?;
            }
            let mut draft = Draft::begin(shared, &mut handle.state().writer, lock, operation)?;
            match keep_header(shared, &mut draft) {
                Ok(()) => Ok(draft),
                Err(error) => {
                    draft.discard(lock);
                    Err(error)
                }
            }
        })?;
        Ok(Rewrite {
            handle: Arc::clone(handle),
            open: Some((draft, under)),
            operation,
        })
    }
}

/// Refuses a journal with lines longer than `max_record`. No reader here returns them,
/// so a compaction would drop them without an error.
pub(super) fn nothing_is_too_long(shared: &Arc<Shared>) -> Result<()> {
    let mut records = Records::open(shared, None)?;
    loop {
        let more = records.advance()?.is_some();
        let long = records
            .take_damage()
            .into_iter()
            .find(|damage| damage.kind == DamageKind::TooLong);
        if let Some(long) = long {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "compact",
                &shared.path,
                format!(
                    "the line at {} has {} bytes, more than max_record ({}), and would be lost; open \
                     the journal with a larger max_record; nothing was changed",
                    long.offset, long.length, shared.options.max_record
                ),
            ));
        }
        if !more {
            return Ok(());
        }
    }
}

/// Copies the header into the new file.
fn keep_header(shared: &Shared, draft: &mut Draft) -> Result<()> {
    let Some((data, _)) = &draft.old else {
        return Ok(());
    };
    let header = header::read_line(&data.file, &shared.options)
        .map_err(|error| Error::os(draft.operation, &shared.path, error))?;
    draft.write(shared, &header)
}

/// A journal that is being rewritten. No other process changes it until this is
/// committed or dropped. It may be sent to another thread.
///
/// ```
/// use untorn::{CallOptions, Journal};
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::open(dir.path().join("events.jsonl"))?;
/// journal.append_all(["{\"id\":1}", "{\"id\":1,\"gone\":true}", "{\"id\":2}"])?;
/// let mut rewrite = journal.begin_rewrite(&CallOptions::new())?;
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
    handle: Arc<Handle>,
    open: Option<(Draft, Under)>,
    operation: &'static str,
}

impl Rewrite {
    /// Returns the records as they are until the commit.
    ///
    /// # Errors
    /// As [`Journal::records`].
    pub fn records(&self) -> Result<Records> {
        if self.open.is_none() {
            return Err(self.finished());
        }
        Records::open(&self.handle.shared, None)
    }

    /// Returns how many bytes the old journal has. With the end of the record at hand,
    /// it tells how far the work is.
    pub fn old_bytes(&self) -> u64 {
        let old = self.open.as_ref().and_then(|(draft, _)| draft.old.as_ref());
        old.map_or(0, |(_, end)| *end)
    }

    /// Adds a record from any source, so it is checked first.
    ///
    /// # Errors
    /// `INVALID_RECORD`, `LIMIT_EXCEEDED`: the record is not added. `STORAGE_FULL` and
    /// other failures of the system.
    pub fn push(&mut self, record: &[u8]) -> Result<()> {
        self.handle.rules.check(record)?;
        self.add_record(record)
    }

    /// Adds a record that a JSON encoder has just made, or that was read from this
    /// journal. Only newlines, NULs, emptiness and length are checked.
    ///
    /// # Errors
    /// As [`Rewrite::push`].
    pub fn push_encoded(&mut self, record: &[u8]) -> Result<()> {
        self.handle.rules.check_framing(record)?;
        self.add_record(record)
    }

    fn add_record(&mut self, record: &[u8]) -> Result<()> {
        self.check_first(record)?;
        if self.handle.options.sealed {
            let mut line = Vec::new();
            Chain::default().add(&mut line, record);
            return self.add(&line);
        }
        self.add(record)?;
        self.add(b"\n")
    }

    /// Refuses a first line that would read as a header.
    pub(crate) fn check_first(&self, line: &[u8]) -> Result<()> {
        let first = self
            .open
            .as_ref()
            .is_some_and(|(draft, _)| draft.length() == 0);
        if first && header::is_header(&self.handle.options, line) {
            return Err(not_a_record(&self.handle.path));
        }
        Ok(())
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.open {
            Some((draft, _)) => draft.write(&self.handle, bytes),
            None => Err(self.finished()),
        }
    }

    /// Makes the pushed records the journal, and releases the lock.
    ///
    /// # Errors
    /// As [`Journal::replace`]; `INVALID_ARGUMENT` if the rewrite is finished.
    pub fn commit(&mut self) -> Result<Position> {
        self.handle.usable(self.operation)?;
        let Some((draft, under)) = self.open.take() else {
            return Err(self.finished());
        };
        let shared = &self.handle;
        // Without the lock nothing is done: the next locker finds the mark in the lock
        // file and removes the new file.
        under.run(shared, self.operation, |lock| {
            let published = draft.publish(shared, lock, Same::Prefix(0), Old::Dropped);
            shared.state().writer.close();
            Ok(published?.end)
        })
    }

    /// Releases the lock; the journal stays as it is. A second call does nothing.
    pub fn discard(&mut self) {
        if let Some((draft, under)) = self.open.take() {
            // Without the lock nothing is done, as in `commit`.
            let _ = under.run(&self.handle, self.operation, |lock| {
                draft.discard(lock);
                Ok(())
            });
        }
    }

    #[cold]
    fn finished(&self) -> Error {
        Error::invalid_argument(
            self.operation,
            &self.handle.path,
            "this rewrite is finished, and its lock is released; begin another",
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
            .field("path", &self.handle.path)
            .finish_non_exhaustive()
    }
}
