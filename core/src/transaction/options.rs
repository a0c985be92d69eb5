//! The options of a transaction.

use std::time::Duration;

use crate::durability::Durability;
use crate::journal::JournalOptions;

/// How a transaction is begun.
///
/// ```
/// use std::time::Duration;
/// use untorn::{Durability, Transaction};
/// # let dir = tempfile::tempdir()?;
/// let mut tx = Transaction::options()
///     .timeout(Some(Duration::from_secs(5)))
///     .durability(Durability::Process)
///     .begin(dir.path())?;
/// tx.save("state.json", b"1")?;
/// tx.commit()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TransactionOptions {
    pub(super) durability: Durability,
    pub(super) mode: Option<u32>,
    pub(super) timeout: Option<Duration>,
    pub(super) parents: bool,
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

    /// Sets whether the directory and its missing parent directories are created
    /// when the transaction begins. Default: no. They stay after a rollback.
    #[must_use]
    pub fn parents(mut self, parents: bool) -> TransactionOptions {
        self.parents = parents;
        self
    }

    /// Sets how the journals of this directory are written: their format and the
    /// longest record. Durability, mode and timeout are the transaction's.
    #[must_use]
    pub fn journals(mut self, journals: JournalOptions) -> TransactionOptions {
        self.journals = journals;
        self
    }
}
