//! The options of a store.

use std::time::Duration;

use crate::document::{Document, DocumentOptions};
use crate::durability::Durability;
use crate::journal::{Format, Journal, JournalOptions};

/// How a store is opened, and with it the journals and documents of its sessions.
///
/// ```
/// use untorn::{Durability, Store};
/// # let dir = tempfile::tempdir()?;
/// let store = Store::options()
///     .journal_name("context.jsonl")
///     .state_name("state.toml")
///     .durability(Durability::Process)
///     .open(dir.path().join("sessions"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct StoreOptions {
    pub(super) journal_name: String,
    pub(super) state_name: String,
    pub(super) durability: Durability,
    pub(super) timeout: Option<Duration>,
    pub(super) create: bool,
    pub(super) journal: JournalOptions,
    pub(super) document: DocumentOptions,
}

impl Default for StoreOptions {
    fn default() -> StoreOptions {
        StoreOptions {
            journal_name: "journal.jsonl".to_owned(),
            state_name: "state.json".to_owned(),
            durability: Durability::default(),
            timeout: None,
            create: true,
            journal: Journal::options(),
            document: Document::options(),
        }
    }
}

impl StoreOptions {
    /// Sets the name of the journal in a session's directory. Default:
    /// `journal.jsonl`.
    #[must_use]
    pub fn journal_name(mut self, name: impl Into<String>) -> StoreOptions {
        self.journal_name = name.into();
        self
    }

    /// Sets the name of the state document in a session's directory. Default:
    /// `state.json`. Its value is bytes: any format will do.
    #[must_use]
    pub fn state_name(mut self, name: impl Into<String>) -> StoreOptions {
        self.state_name = name.into();
        self
    }

    /// Sets the failure that finished changes survive: of records, documents and
    /// ownership. Default: a power cut.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> StoreOptions {
        self.durability = durability;
        self.journal = self.journal.durability(durability);
        self.document = self.document.durability(durability);
        self
    }

    /// Sets how long a call waits for a lock. `None` (the default) waits
    /// indefinitely; zero tries once. [`super::Session::claim`] and
    /// [`crate::Store::remove`] try once in any case.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> StoreOptions {
        self.timeout = timeout;
        self.journal = self.journal.timeout(timeout);
        self.document = self.document.timeout(timeout);
        self
    }

    /// Sets the format of the journals' records. Default: JSON.
    #[must_use]
    pub fn format(mut self, format: Format) -> StoreOptions {
        self.journal = self.journal.format(format);
        self
    }

    /// Sets the largest record, in bytes. Default: 64 MiB.
    #[must_use]
    pub fn max_record(mut self, bytes: u64) -> StoreOptions {
        self.journal = self.journal.max_record(bytes);
        self
    }

    /// Sets everything else about the journals. Must come before the options
    /// above, which it overrides.
    #[must_use]
    pub fn journal(mut self, options: JournalOptions) -> StoreOptions {
        self.journal = options;
        self
    }

    /// Sets everything else about the documents. Must come before the options
    /// above, which it overrides.
    #[must_use]
    pub fn document(mut self, options: DocumentOptions) -> StoreOptions {
        self.document = options;
        self
    }

    /// Sets whether a missing directory is created. Default: yes.
    #[must_use]
    pub fn create(mut self, create: bool) -> StoreOptions {
        self.create = create;
        self
    }
}
