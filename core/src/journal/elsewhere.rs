//! Reads a journal that is not a file of this machine.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::append::Batch;
use super::follow::Follow;
use super::header;
use super::journal_bytes::JournalBytes;
use super::options::JournalOptions;
use super::read::{self, OwnedRecord, Records, Report};
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::lock::CallOptions;
use crate::oslock::Scheme;
use crate::position::Position;

/// Reads a journal from [`JournalBytes`] as [`crate::Journal`] reads a file: the same
/// records, damage, seals and positions. It also checks records and lays them out as
/// lines, for an append that the engine makes.
///
/// ```
/// use std::io;
/// use std::sync::Arc;
/// use untorn::{Journal, JournalBytes};
///
/// struct Kept(&'static [u8]);
///
/// impl JournalBytes for Kept {
///     fn look(&self) -> io::Result<Option<(u64, u64)>> {
///         Ok(Some((1, self.0.len() as u64)))
///     }
///
///     fn read(&self, generation: u64, at: u64, buffer: &mut [u8]) -> io::Result<Option<usize>> {
///         let rest = self.0.get(at as usize..).unwrap_or_default();
///         let n = rest.len().min(buffer.len());
///         buffer[..n].copy_from_slice(&rest[..n]);
///         Ok((generation == 1).then_some(n))
///     }
/// }
///
/// let kept = Arc::new(Kept(b"{\"role\":\"user\"}\n{\"torn"));
/// let reader = Journal::options().reader("db:chat:42", kept)?;
/// assert_eq!(reader.tail(1)?[0].bytes, b"{\"role\":\"user\"}");
/// assert_eq!(reader.verify()?.damage_count, 1);
///
/// let mut batch = reader.batch();
/// batch.push(b"{\"role\":\"tool\"}")?;
/// assert_eq!(batch.bytes(), b"{\"role\":\"tool\"}\n");
/// # Ok::<(), untorn::Error>(())
/// ```
pub struct JournalReader {
    pub(super) shared: Arc<Shared>,
}

impl JournalOptions {
    /// Makes a reader of a journal that an engine keeps. Errors call it `name`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for options that only files have.
    pub fn reader(
        self,
        name: impl AsRef<Path>,
        bytes: Arc<dyn JournalBytes>,
    ) -> Result<JournalReader> {
        let name = name.as_ref();
        self.check(name)?;
        if self.choice.scheme != Scheme::Sidecar {
            return Err(Error::invalid_argument(
                "open",
                name,
                "a journal in a database has no scheme of locks: leave scheme as it is",
            ));
        }
        let mut shared = Shared::new(name.to_owned(), self)?;
        shared.elsewhere = Some(bytes);
        Ok(JournalReader {
            shared: Arc::new(shared),
        })
    }
}

impl JournalReader {
    /// Returns where the last whole record ends.
    ///
    /// # Errors
    /// `NOT_FOUND` if the journal is missing and `create` is off; `CONFLICT` if it is
    /// rewritten meanwhile; those of the engine.
    pub fn end(&self) -> Result<Position> {
        read::tail::end(&self.shared)
    }

    /// Reads all records.
    ///
    /// # Errors
    /// As [`JournalReader::end`].
    pub fn records(&self) -> Result<Records> {
        Records::open(&self.shared, None)
    }

    /// Reads the records after `position`.
    ///
    /// # Errors
    /// As [`JournalReader::records`], and `CONFLICT` if the position is not one of this
    /// generation's.
    pub fn records_from(&self, position: Position) -> Result<Records> {
        Records::open(&self.shared, Some(position))
    }

    /// Returns the last `n` records, oldest first. They are read backwards from the
    /// end, at the same cost for any length of journal.
    ///
    /// # Errors
    /// As [`JournalReader::end`].
    pub fn tail(&self, n: usize) -> Result<Vec<OwnedRecord>> {
        read::tail::tail(&self.shared, n, &CallOptions::new())
    }

    /// Does the same as [`JournalReader::tail`], with cancellation.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn tail_with(&self, n: usize, call: &CallOptions<'_>) -> Result<Vec<OwnedRecord>> {
        read::tail::tail(&self.shared, n, call)
    }

    /// Yields the records after `position`, and then each record that is appended
    /// later, as [`crate::Journal::follow`] does. After a rewrite it yields all records
    /// of the new generation, after a [`crate::FollowItem::Rewound`].
    ///
    /// # Errors
    /// As [`JournalReader::records_from`]. A journal that was rewritten since is no
    /// error.
    pub fn follow(&self, position: Option<Position>) -> Result<Follow> {
        Follow::begin(&self.shared, position)
    }

    /// Ends the followers of this reader. Later calls of [`JournalReader::follow`] fail.
    pub fn close(&self) {
        self.shared.mark_closed();
    }

    /// Checks every record, and changes nothing.
    ///
    /// # Errors
    /// As [`JournalReader::records`].
    pub fn verify(&self) -> Result<Report> {
        self.verify_with(&CallOptions::new())
    }

    /// Does the same as [`JournalReader::verify`], with cancellation.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn verify_with(&self, call: &CallOptions<'_>) -> Result<Report> {
        read::verify(&self.shared, "verify", &call.begin(None))
    }

    /// Returns the header line without its padding; `None` if the journal has none.
    ///
    /// # Errors
    /// As [`JournalReader::end`].
    pub fn header(&self) -> Result<Option<Vec<u8>>> {
        header::of(&self.shared)
    }

    /// Returns an empty batch. Its [`Batch::bytes`] are what an append of its records
    /// adds to the journal.
    pub fn batch(&self) -> Batch {
        Batch::new(&self.shared.rules)
    }
}

impl fmt::Debug for JournalReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalReader")
            .field("name", &self.shared.path)
            .finish_non_exhaustive()
    }
}
