//! The options of a transaction.

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
    /// Sets the failure that a finished commit survives. Default: a power cut.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> TransactionOptions {
        self.durability = durability;
        self
    }

    /// Sets the permission bits of new files. Default: 0666 less the umask. A
    /// file that exists keeps its own.
    #[must_use]
    pub fn mode(mut self, mode: Option<u32>) -> TransactionOptions {
        self.mode = mode;
        self
    }

    /// Sets how long each call waits for locks. `None` (the default) waits
    /// indefinitely; zero tries once.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> TransactionOptions {
        self.timeout = timeout;
        self
    }

    /// Sets how the journals of this directory are written: their format and the
    /// longest record. Durability, mode and timeout are the transaction's.
    #[must_use]
    pub fn journals(mut self, journals: JournalOptions) -> TransactionOptions {
        self.journals = journals;
        self
    }

    /// Begins a transaction in `dir`. Takes the directory's lock, and settles
    /// what a dead process has left of an earlier transaction.
    ///
    /// # Errors
    /// `NOT_FOUND` if the directory is missing, `INVALID_ARGUMENT` if it is not a
    /// directory. `LOCK_TIMEOUT`, `LOCKED`, and failures of the system.
    /// `DEADLOCK` if this thread is already in a transaction there.
    pub fn begin(self, dir: impl AsRef<Path>) -> Result<Transaction> {
        self.begin_with(dir, &Call::new())
    }

    /// Begins a transaction as [`TransactionOptions::begin`] does. The call says
    /// how to wait or cancel, or holds the directory's lock (a `FileLock` on
    /// exactly `.untorn.lock` there).
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn begin_with(self, dir: impl AsRef<Path>, call: &Call<'_>) -> Result<Transaction> {
        Transaction::with_options(dir.as_ref(), self, call)
    }
}
