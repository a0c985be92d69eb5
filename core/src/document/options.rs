//! How a document is opened.

use std::path::Path;
use std::time::Duration;

use super::Document;
use crate::durability::Durability;
use crate::error::Result;
use crate::oslock::Home;
use crate::oslock::{Choice, OnUnsupported, Scheme};

/// How a document is opened.
#[derive(Clone, Debug, Default)]
pub struct DocumentOptions {
    pub(super) durability: Durability,
    pub(super) mode: Option<u32>,
    pub(super) timeout: Option<Duration>,
    pub(super) parents: bool,
    pub(super) choice: Choice,
    pub(super) home: Option<Home>,
}

impl DocumentOptions {
    /// Which failure a finished save survives. Default: a power cut.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> DocumentOptions {
        self.durability = durability;
        self
    }

    /// Permission bits of a new file. Default: 0666 less the umask. A file
    /// that is there keeps its own.
    #[must_use]
    pub fn mode(mut self, mode: Option<u32>) -> DocumentOptions {
        self.mode = mode;
        self
    }

    /// How long a call waits for the lock: `None` (the default) for ever, zero
    /// tries once.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> DocumentOptions {
        self.timeout = timeout;
        self
    }

    /// Whether missing parent directories are made at open. Default: no.
    #[must_use]
    pub fn parents(mut self, parents: bool) -> DocumentOptions {
        self.parents = parents;
        self
    }

    /// Which file carries the lock. Default: `P.lock` ([`Scheme::Sidecar`]). All
    /// programs that share the file must use the same.
    #[must_use]
    pub fn scheme(mut self, scheme: Scheme) -> DocumentOptions {
        self.choice.scheme = scheme;
        self
    }

    /// In this directory, which is not there: the path is what it will be.
    pub(crate) fn home(mut self, home: Home) -> DocumentOptions {
        self.home = Some(home);
        self
    }

    pub(crate) fn lock_scheme(&self) -> Scheme {
        self.choice.scheme
    }

    /// What to do where the file system reports that it does not lock.
    /// Default: fail.
    #[must_use]
    pub fn on_unsupported(mut self, policy: OnUnsupported) -> DocumentOptions {
        self.choice.on_unsupported = policy;
        self
    }

    /// Scheme `pid-file` only: how old a lock file gets, without being
    /// refreshed, before it is taken over. Default: 10 s; at least 2 s.
    #[must_use]
    pub fn stale(mut self, age: Duration) -> DocumentOptions {
        self.choice.stale = age;
        self
    }

    /// Opens the document at `path`. Symbolic links are resolved now, a
    /// dangling one too. What saves of this document that were killed have left
    /// behind is removed.
    ///
    /// # Errors
    /// `NOT_FOUND` if the directory is missing, `INVALID_ARGUMENT` if the path is
    /// not a regular file's.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Document> {
        Document::with_options(path.as_ref(), self)
    }
}
