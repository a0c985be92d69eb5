//! How a transaction is begun.

use std::path::Path;
use std::time::Duration;

use super::Transaction;
use crate::durability::Durability;
use crate::error::Result;
use crate::journal::JournalOptions;
use crate::lock::Call;

/// How a transaction is begun.
#[derive(Clone, Debug, Default)]
pub struct TransactionOptions {
    pub(super) durability: Durability,
    pub(super) mode: Option<u32>,
    pub(super) timeout: Option<Duration>,
    pub(super) journals: JournalOptions,
}

impl TransactionOptions {
    /// Which failure a finished commit survives. Default: a power cut.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> TransactionOptions {
        self.durability = durability;
        self
    }

    /// Permission bits of new files. Default: 0666 less the umask. A file that
    /// is there keeps its own.
    #[must_use]
    pub fn mode(mut self, mode: Option<u32>) -> TransactionOptions {
        self.mode = mode;
        self
    }

    /// How long each call waits for locks: `None` (the default) for ever, zero
    /// tries once.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> TransactionOptions {
        self.timeout = timeout;
        self
    }

    /// How the journals of this directory are written: their format and the
    /// longest record. (Durability, mode and timeout are the transaction's.)
    #[must_use]
    pub fn journals(mut self, journals: JournalOptions) -> TransactionOptions {
        self.journals = journals;
        self
    }

    /// Begins a transaction in `dir`: takes the directory's lock, and settles
    /// what a dead process has left of an earlier one.
    ///
    /// # Errors
    /// `NOT_FOUND` if the directory is missing, `INVALID_ARGUMENT` if it is none,
    /// `LOCK_TIMEOUT`, `LOCKED`, `DEADLOCK` if this thread is in a transaction there
    /// already, and failures of the system.
    pub fn begin(self, dir: impl AsRef<Path>) -> Result<Transaction> {
        self.begin_with(dir, &Call::new())
    }

    /// [`TransactionOptions::begin`], with a way to wait, to cancel, or under the
    /// directory's lock, if that is held already (a `FileLock` on exactly
    /// `.untorn.lock` there).
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn begin_with(self, dir: impl AsRef<Path>, call: &Call<'_>) -> Result<Transaction> {
        Transaction::with_options(dir.as_ref(), self, call)
    }
}
