//! How a journal is opened.

use std::path::Path;
use std::time::Duration;

use super::Journal;
use crate::durability::Durability;
use crate::error::Result;
use crate::lock::{Choice, OnUnsupported, Scheme};

/// What the records of a journal are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// A record is one JSON value.
    #[default]
    Json,
    /// A record is any bytes without a newline or NUL.
    Lines,
}

/// How a journal is opened.
///
/// ```
/// use untorn::{Durability, Journal};
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::options()
///     .durability(Durability::Process)
///     .max_record(1 << 20)
///     .open(dir.path().join("session.jsonl"))?;
/// journal.append(b"{\"role\":\"user\"}")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct JournalOptions {
    pub(super) durability: Durability,
    pub(super) create: bool,
    pub(super) max_record: u64,
    pub(super) format: Format,
    pub(super) mode: Option<u32>,
    pub(super) timeout: Option<Duration>,
    pub(super) parents: bool,
    pub(super) choice: Choice,
}

impl Default for JournalOptions {
    fn default() -> JournalOptions {
        JournalOptions {
            durability: Durability::Power,
            create: true,
            max_record: 64 << 20,
            format: Format::Json,
            mode: None,
            timeout: None,
            parents: false,
            choice: Choice::default(),
        }
    }
}

impl JournalOptions {
    /// Which failure a finished append survives. Default: a power cut.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> JournalOptions {
        self.durability = durability;
        self
    }

    /// Whether an append makes the file where it is missing (default), also
    /// after somebody deleted it. Otherwise that is `NOT_FOUND`.
    #[must_use]
    pub fn create(mut self, create: bool) -> JournalOptions {
        self.create = create;
        self
    }

    /// How long a record may be, in bytes, without its newline. Default:
    /// 64 MiB. Longer lines are damage to a reader.
    #[must_use]
    pub fn max_record(mut self, bytes: u64) -> JournalOptions {
        self.max_record = bytes;
        self
    }

    /// What the records are. Default: JSON.
    #[must_use]
    pub fn format(mut self, format: Format) -> JournalOptions {
        self.format = format;
        self
    }

    /// Permission bits of a new file. Default: 0666 less the umask.
    #[must_use]
    pub fn mode(mut self, mode: Option<u32>) -> JournalOptions {
        self.mode = mode;
        self
    }

    /// How long a call waits for the lock: `None` (the default) for ever, zero
    /// tries once.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> JournalOptions {
        self.timeout = timeout;
        self
    }

    /// Whether missing parent directories are made at open. Default: no.
    #[must_use]
    pub fn parents(mut self, parents: bool) -> JournalOptions {
        self.parents = parents;
        self
    }

    /// Which file carries the lock. Default: `P.lock` ([`Scheme::Sidecar`]). All
    /// programs that share the file must use the same.
    #[must_use]
    pub fn scheme(mut self, scheme: Scheme) -> JournalOptions {
        self.choice.scheme = scheme;
        self
    }

    /// What to do where the file system reports that it does not lock.
    /// Default: fail.
    #[must_use]
    pub fn on_unsupported(mut self, policy: OnUnsupported) -> JournalOptions {
        self.choice.on_unsupported = policy;
        self
    }

    /// Scheme `pid-file` only: how old a lock file gets, without being
    /// refreshed, before it is taken over. Default: 10 s; at least 2 s.
    #[must_use]
    pub fn stale(mut self, age: Duration) -> JournalOptions {
        self.choice.stale = age;
        self
    }

    /// Opens the journal at `path`. Symbolic links are resolved now. The file
    /// itself is made by the first append.
    ///
    /// # Errors
    /// `NOT_FOUND` if the directory is missing (or the file, without
    /// `create`), `INVALID_ARGUMENT` if the path is not a regular file's.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Journal> {
        Journal::with_options(path.as_ref(), self)
    }
}
