//! How a store is opened.

use std::time::Duration;

use crate::document::{Document, DocumentOptions};
use crate::durability::Durability;
use crate::journal::{Format, Journal, JournalOptions};

/// How a store is opened, and with it the journals and documents of its
/// sessions.
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
    /// What the journal in a session's directory is called. Default:
    /// `journal.jsonl`.
    #[must_use]
    pub fn journal_name(mut self, name: impl Into<String>) -> StoreOptions {
        self.journal_name = name.into();
        self
    }

    /// What the state document in a session's directory is called. Default:
    /// `state.json`. Its value is bytes: any format will do.
    #[must_use]
    pub fn state_name(mut self, name: impl Into<String>) -> StoreOptions {
        self.state_name = name.into();
        self
    }

    /// Which failure finished changes survive: records, documents, and who owns
    /// a session. Default: a power cut.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> StoreOptions {
        self.durability = durability;
        self.journal = self.journal.durability(durability);
        self.document = self.document.durability(durability);
        self
    }

    /// How long a call waits for a lock: `None` (the default) for ever, zero
    /// tries once. ([`super::Session::claim`] and [`Store::remove`] try once in any
    /// case.)
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> StoreOptions {
        self.timeout = timeout;
        self.journal = self.journal.timeout(timeout);
        self.document = self.document.timeout(timeout);
        self
    }

    /// What the records of the journals are. Default: JSON.
    #[must_use]
    pub fn format(mut self, format: Format) -> StoreOptions {
        self.journal = self.journal.format(format);
        self
    }

    /// How long a record may be, in bytes. Default: 64 MiB.
    #[must_use]
    pub fn max_record(mut self, bytes: u64) -> StoreOptions {
        self.journal = self.journal.max_record(bytes);
        self
    }

    /// Everything else about the journals. Comes before the options above,
    /// which it overrides.
    #[must_use]
    pub fn journal(mut self, options: JournalOptions) -> StoreOptions {
        self.journal = options;
        self
    }

    /// Everything else about the documents. Comes before the options above,
    /// which it overrides.
    #[must_use]
    pub fn document(mut self, options: DocumentOptions) -> StoreOptions {
        self.document = options;
        self
    }

    /// Whether the directory is made where it is missing (default).
    #[must_use]
    pub fn create(mut self, create: bool) -> StoreOptions {
        self.create = create;
        self
    }
}
