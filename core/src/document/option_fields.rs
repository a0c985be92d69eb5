// Generated from spec/options.toml by `cargo xtask generate`. Do not edit.
//! The options, and how each is set.

use std::time::Duration;

use crate::durability::Durability;
use crate::oslock::OnUnsupported;
use crate::oslock::Scheme;
use crate::oslock::{Choice, Home};

/// How a document is opened.
///
/// ```
/// use std::time::Duration;
/// use untorn::{Document, Durability};
/// # let dir = tempfile::tempdir()?;
/// let document = Document::options()
///     .durability(Durability::Process)
///     .timeout(Some(Duration::from_secs(5)))
///     .open(dir.path().join("session.json"))?;
/// document.save(b"{\"turns\":1}")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct DocumentOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) mode: Option<u32>,
    pub(crate) durability: Durability,
    pub(crate) parents: bool,
    pub(super) choice: Choice,
    pub(super) home: Option<Home>,
}

impl DocumentOptions {
    /// How long a call waits for the lock. `None` (the default) waits without a
    /// limit, zero tries once.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> DocumentOptions {
        self.timeout = timeout;
        self
    }

    /// Permission bits of a new file. A file that exists keeps its own. Default:
    /// 0666 less the umask.
    #[must_use]
    pub fn mode(mut self, mode: Option<u32>) -> DocumentOptions {
        self.mode = mode;
        self
    }

    /// The failure that a finished call survives: a power cut (`power`), or the end
    /// of any process (`process`). Default: [`Durability::Power`].
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> DocumentOptions {
        self.durability = durability;
        self
    }

    /// Whether missing parent directories are created when the handle is opened.
    /// Default: no.
    #[must_use]
    pub fn parents(mut self, parents: bool) -> DocumentOptions {
        self.parents = parents;
        self
    }

    /// Which file carries the lock. All programs that share the file must use the
    /// same scheme. Default: [`Scheme::Sidecar`].
    #[must_use]
    pub fn scheme(mut self, scheme: Scheme) -> DocumentOptions {
        self.choice.scheme = scheme;
        self
    }

    /// The reaction to a file system that reports that it does not lock files.
    /// Default: [`OnUnsupported::Fail`].
    #[must_use]
    pub fn on_unsupported(mut self, on_unsupported: OnUnsupported) -> DocumentOptions {
        self.choice.on_unsupported = on_unsupported;
        self
    }

    /// Scheme `pid-file` only: the age at which a lock file without a refresh is
    /// taken over. At least 2 s. Default: 10 s.
    #[must_use]
    pub fn stale(mut self, stale: Duration) -> DocumentOptions {
        self.choice.stale = stale;
        self
    }
}
