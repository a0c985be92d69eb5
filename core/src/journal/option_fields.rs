// Generated from spec/options.toml by `cargo xtask generate`. Do not edit.
//! The options, and how each is set.

use std::time::Duration;

use super::words::Format;
use super::words::HeaderMode;
use crate::durability::Durability;
use crate::oslock::OnUnsupported;
use crate::oslock::Scheme;
use crate::oslock::{Choice, Home};

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
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_record: u64,
    pub(crate) mode: Option<u32>,
    pub(crate) durability: Durability,
    pub(crate) format: Format,
    pub(crate) create: bool,
    pub(crate) parents: bool,
    pub(crate) cut_foreign_tail: bool,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) keep: Option<u32>,
    pub(crate) header_prefix: Option<Vec<u8>>,
    pub(crate) header_reserve: usize,
    pub(crate) header_mode: HeaderMode,
    pub(crate) sealed: bool,
    pub(super) choice: Choice,
    pub(super) home: Option<Home>,
}

impl Default for JournalOptions {
    fn default() -> JournalOptions {
        JournalOptions {
            timeout: None,
            max_record: 64 << 20,
            mode: None,
            durability: Durability::default(),
            format: Format::default(),
            create: true,
            parents: false,
            cut_foreign_tail: false,
            max_bytes: None,
            keep: None,
            header_prefix: None,
            header_reserve: 512,
            header_mode: HeaderMode::default(),
            sealed: false,
            choice: Choice::default(),
            home: None,
        }
    }
}

impl JournalOptions {
    /// How long a call waits for the lock. `None` (the default) waits without a
    /// limit, zero tries once.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> JournalOptions {
        self.timeout = timeout;
        self
    }

    /// How many bytes a record may have, without its newline. Longer lines are
    /// damage to a reader. Default: 64 MiB.
    #[must_use]
    pub fn max_record(mut self, max_record: u64) -> JournalOptions {
        self.max_record = max_record;
        self
    }

    /// Permission bits of a new file. A file that exists keeps its own. Default:
    /// 0666 less the umask.
    #[must_use]
    pub fn mode(mut self, mode: Option<u32>) -> JournalOptions {
        self.mode = mode;
        self
    }

    /// The failure that a finished call survives: a power cut (`power`), or the end
    /// of any process (`process`). Default: [`Durability::Power`].
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> JournalOptions {
        self.durability = durability;
        self
    }

    /// The format of the records. Default: [`Format::Json`].
    #[must_use]
    pub fn format(mut self, format: Format) -> JournalOptions {
        self.format = format;
        self
    }

    /// Whether an append creates the file if it is missing, also after it was
    /// deleted. If not, the append fails with `NOT_FOUND`. Default: yes.
    #[must_use]
    pub fn create(mut self, create: bool) -> JournalOptions {
        self.create = create;
        self
    }

    /// Whether missing parent directories are created when the handle is opened.
    /// Default: no.
    #[must_use]
    pub fn parents(mut self, parents: bool) -> JournalOptions {
        self.parents = parents;
        self
    }

    /// Whether an append, a rewrite or a repair may change a file that is plainly
    /// not a journal, and cut its end off. Such a file is UTF-16, a JSON document
    /// over several lines, or binary. If not, it fails with `CORRUPT`. Format
    /// `json` only. Default: no.
    #[must_use]
    pub fn cut_foreign_tail(mut self, cut_foreign_tail: bool) -> JournalOptions {
        self.cut_foreign_tail = cut_foreign_tail;
        self
    }

    /// Which file carries the lock. All programs that share the file must use the
    /// same scheme. Default: [`Scheme::Sidecar`].
    #[must_use]
    pub fn scheme(mut self, scheme: Scheme) -> JournalOptions {
        self.choice.scheme = scheme;
        self
    }

    /// The reaction to a file system that reports that it does not lock files.
    /// Default: [`OnUnsupported::Fail`].
    #[must_use]
    pub fn on_unsupported(mut self, on_unsupported: OnUnsupported) -> JournalOptions {
        self.choice.on_unsupported = on_unsupported;
        self
    }

    /// Scheme `pid-file` only: the age at which a lock file without a refresh is
    /// taken over. At least 2 s. Default: 10 s.
    #[must_use]
    pub fn stale(mut self, stale: Duration) -> JournalOptions {
        self.choice.stale = stale;
        self
    }

    /// An append that finds the journal larger than this many bytes rotates it
    /// first. So the journal is never larger than this and one append. If the
    /// rotation fails, so does the append. Default: no limit (`None`).
    #[must_use]
    pub fn max_bytes(mut self, max_bytes: Option<u64>) -> JournalOptions {
        self.max_bytes = max_bytes;
        self
    }

    /// How many rotated files a rotation by `max_bytes` leaves, including those of
    /// `rewind` and `rotate`. It removes older ones. It neither counts nor removes
    /// a file that only has such a name, or that another program copied, replaced
    /// or appended to. Default: no limit (`None`).
    #[must_use]
    pub fn keep(mut self, keep: Option<u32>) -> JournalOptions {
        self.keep = keep;
        self
    }

    /// The journal may have a header: its first line, if that begins with these
    /// bytes. The header is not a record. All handles on a journal must have the
    /// same prefix. A handle without it sees the header as a record. Default: none.
    #[must_use]
    pub fn header_prefix(mut self, header_prefix: impl Into<Vec<u8>>) -> JournalOptions {
        self.header_prefix = Some(header_prefix.into());
        self
    }

    /// How many bytes a new header takes, including its newline. It is padded with
    /// spaces, so that later ones fit in its place. A longer header takes as much
    /// as it needs. Default: 512.
    #[must_use]
    pub fn header_reserve(mut self, header_reserve: usize) -> JournalOptions {
        self.header_reserve = header_reserve;
        self
    }

    /// How an existing header is changed: in its place if it fits (`stamp`), or
    /// always with a new file (`rename`). Default: [`HeaderMode::Stamp`].
    #[must_use]
    pub fn header_mode(mut self, header_mode: HeaderMode) -> JournalOptions {
        self.header_mode = header_mode;
        self
    }

    /// Whether a checksum follows each record (35 bytes per record). JSON readers
    /// take it for white space. It detects bit rot and spliced lines. It also makes
    /// an append of many records all or nothing across a power cut. Format `json`
    /// only. Default: no.
    #[must_use]
    pub fn sealed(mut self, sealed: bool) -> JournalOptions {
        self.sealed = sealed;
        self
    }
}
