//! The options of a store.

use std::time::Duration;

use untorn::{Durability, Format, JournalOptions, engine};

/// How a store is opened, and with it the journals and documents of its sessions.
///
/// ```
/// use std::time::Duration;
/// let options = untorn_postgres::Store::options()
///     .journal_name("context.jsonl")
///     .ttl(Duration::from_secs(30));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct StoreOptions {
    pub(crate) journal_name: String,
    pub(crate) state_name: String,
    pub(crate) durability: Durability,
    pub(crate) timeout: Option<Duration>,
    pub(crate) journal: JournalOptions,
    pub(crate) json: bool,
    pub(crate) ttl: Duration,
    pub(crate) connected: bool,
    pub(crate) patience: Duration,
}

impl Default for StoreOptions {
    fn default() -> StoreOptions {
        StoreOptions {
            journal_name: "journal.jsonl".to_owned(),
            state_name: "state.json".to_owned(),
            durability: Durability::default(),
            timeout: None,
            journal: JournalOptions::default(),
            json: true,
            ttl: Duration::from_secs(15),
            connected: false,
            patience: Duration::from_secs(10),
        }
    }
}

impl StoreOptions {
    /// Sets the name of the journal of a session. Default: `journal.jsonl`.
    #[must_use]
    pub fn journal_name(mut self, name: impl Into<String>) -> StoreOptions {
        self.journal_name = name.into();
        self
    }

    /// Sets the name of the state document of a session. Default: `state.json`.
    #[must_use]
    pub fn state_name(mut self, name: impl Into<String>) -> StoreOptions {
        self.state_name = name.into();
        self
    }

    /// Sets the failure that finished changes survive. `Power`, the default: the medium
    /// of the server has them, and each synchronous standby. `Process`: a crash of the
    /// server may lose the last moments.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> StoreOptions {
        self.durability = durability;
        self
    }

    /// Sets how long a claim that waits does so. `None` (the default) waits
    /// indefinitely. [`crate::Session::claim`] and [`crate::Store::remove`] try once in any
    /// case. Statements wait as the connections' `lock_timeout` says.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> StoreOptions {
        self.timeout = timeout;
        self
    }

    /// Sets everything else about the journals. Must come before the options below, which
    /// it overrides. Options that only files have are refused when a journal is opened.
    #[must_use]
    pub fn journal(mut self, options: JournalOptions) -> StoreOptions {
        self.json = engine::is_json(&options);
        self.journal = options;
        self
    }

    /// Sets the format of the journals' records. Default: JSON.
    #[must_use]
    pub fn format(mut self, format: Format) -> StoreOptions {
        self.journal = self.journal.format(format);
        self.json = format == Format::Json;
        self
    }

    /// Sets the largest record, in bytes. Default: 64 MiB.
    #[must_use]
    pub fn max_record(mut self, bytes: u64) -> StoreOptions {
        self.journal = self.journal.max_record(bytes);
        self
    }

    /// Sets whether a checksum follows each record. Default: no.
    #[must_use]
    pub fn sealed(mut self, sealed: bool) -> StoreOptions {
        self.journal = self.journal.sealed(sealed);
        self
    }

    /// Sets the time to live of a lease. A thread of this library renews it three times
    /// within it. Default: 15 s.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> StoreOptions {
        self.ttl = ttl.max(Duration::from_millis(1));
        self
    }

    /// Sets whether a lease also ends with a connection of its own, so that a dead owner's
    /// session is free at once. Each lease keeps one connection to the server itself, of
    /// [`crate::Driver::own_connection`]. It must not go through a pooler in transaction
    /// mode, whose connection outlives the owner. Default: no.
    #[must_use]
    pub fn connected(mut self, connected: bool) -> StoreOptions {
        self.connected = connected;
        self
    }

    /// Sets how long a statement is sent again after its connection broke, or no
    /// connection could be had. A failover should fit in it. Default: 10 s.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> StoreOptions {
        self.patience = patience;
        self
    }

    pub(crate) fn is_durable(&self) -> bool {
        self.durability == Durability::Power
    }
}
