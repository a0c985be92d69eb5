//! How a journal is opened.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::oslock::Home;
use crate::oslock::{Choice, OnUnsupported, Scheme};

/// What the records of a journal are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// A record is one JSON value.
    #[default]
    Json,
    /// A record is any bytes without a newline or NUL.
    Lines,
}

/// How a header is changed that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HeaderMode {
    /// In place, where it fits: it costs the same however long the journal is.
    #[default]
    Stamp,
    /// By a new file, always: programs that read without this library then
    /// never see half a header.
    Rename,
}

impl HeaderMode {
    /// `"stamp"` or `"rename"`, the same in every language.
    pub fn as_str(self) -> &'static str {
        match self {
            HeaderMode::Stamp => "stamp",
            HeaderMode::Rename => "rename",
        }
    }
}

impl fmt::Display for HeaderMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HeaderMode {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Self, String> {
        match word {
            "stamp" => Ok(HeaderMode::Stamp),
            "rename" => Ok(HeaderMode::Rename),
            _ => Err(format!(
                "a header mode is \"stamp\" or \"rename\", not {word:?}"
            )),
        }
    }
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
    pub(crate) durability: Durability,
    pub(crate) create: bool,
    pub(crate) max_record: u64,
    pub(crate) format: Format,
    pub(crate) mode: Option<u32>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) parents: bool,
    pub(crate) choice: Choice,
    pub(crate) home: Option<Home>,
    pub(crate) header_prefix: Option<Vec<u8>>,
    pub(crate) header_reserve: usize,
    pub(crate) header_mode: HeaderMode,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) keep: Option<u32>,
    pub(crate) sealed: bool,
    pub(crate) cut_foreign_tail: bool,
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
            home: None,
            header_prefix: None,
            header_reserve: 512,
            header_mode: HeaderMode::Stamp,
            max_bytes: None,
            keep: None,
            sealed: false,
            cut_foreign_tail: false,
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

    /// In this directory, which is not there: the path is what it will be.
    pub(crate) fn home(mut self, home: Home) -> JournalOptions {
        self.home = Some(home);
        self
    }

    pub(crate) fn lock_scheme(&self) -> Scheme {
        self.choice.scheme
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

    /// The journal may have a header: its first line, where that begins with
    /// these bytes. It is no record. Default: no header.
    ///
    /// All handles on a journal must say the same; one without it sees the
    /// header as a record.
    #[must_use]
    pub fn header_prefix(mut self, prefix: impl Into<Vec<u8>>) -> JournalOptions {
        self.header_prefix = Some(prefix.into());
        self
    }

    /// How many bytes a new header takes, its newline included: it is padded
    /// with spaces, so that later ones fit in its place. Default: 512. A longer
    /// header takes what it needs.
    #[must_use]
    pub fn header_reserve(mut self, bytes: usize) -> JournalOptions {
        self.header_reserve = bytes;
        self
    }

    /// How a header is changed. Default: in place.
    #[must_use]
    pub fn header_mode(mut self, mode: HeaderMode) -> JournalOptions {
        self.header_mode = mode;
        self
    }

    /// An append that finds the journal larger than this rotates it first, so
    /// that it is never larger than this and one append. Default: never. If the
    /// rotation fails, so does the append.
    #[must_use]
    pub fn max_bytes(mut self, bytes: Option<u64>) -> JournalOptions {
        self.max_bytes = bytes;
        self
    }

    /// How many rotated files a rotation by [`JournalOptions::max_bytes`]
    /// leaves, those of `rewind` and `rotate` among them; older ones are
    /// removed. Files that only have such a name are not counted, and stay, as
    /// do rotated files that others have copied, replaced or appended to.
    /// Default: all.
    #[must_use]
    pub fn keep(mut self, files: Option<u32>) -> JournalOptions {
        self.keep = files;
        self
    }

    /// Whether each record is followed by a checksum, which readers of JSON take
    /// for white space (35 bytes a record). It shows bit rot and spliced
    /// lines, and makes an append of many records all or nothing across a power
    /// cut, too. Format `json` only. Default: no.
    #[must_use]
    pub fn sealed(mut self, sealed: bool) -> JournalOptions {
        self.sealed = sealed;
        self
    }

    pub(crate) fn scheme_of(&self) -> Scheme {
        self.choice.scheme
    }

    /// Whether an append (or a repair) may cut the end off a file that is plainly no
    /// journal: text in UTF-16, a JSON document over several lines, a binary
    /// file. Default: no, that is `CORRUPT`. Format `json` only.
    #[must_use]
    pub fn cut_foreign_tail(mut self, cut: bool) -> JournalOptions {
        self.cut_foreign_tail = cut;
        self
    }

    /// What can't be meant so, said before anything is touched.
    pub(crate) fn check(&self, path: &Path) -> Result<()> {
        let refuse = |detail: &str| Err(Error::invalid_argument("open", path, detail));
        if let Some(prefix) = &self.header_prefix {
            if prefix.is_empty() || memchr::memchr2(b'\n', 0, prefix).is_some() {
                return refuse("header_prefix is empty, or holds a newline or a NUL");
            }
            if matches!(prefix[0], b' ' | b'\t' | b'\r') {
                return refuse("header_prefix begins with white space");
            }
        }
        if self.sealed && self.format != Format::Json {
            return refuse("a seal is white space behind a JSON value: sealed is for format json");
        }
        if self.header_reserve > 1 << 30 {
            return refuse("header_reserve is more than 1 GiB");
        }
        Ok(())
    }
}
