// Generated from spec/constants.toml by `cargo xtask generate`. Do not edit.
//! The words that options take and that results name.

use std::fmt;
use std::str::FromStr;

/// Which file carries the lock of a path `P`. All programs that share `P` must
/// use the same scheme.
///
/// ```
/// assert_eq!("sidecar".parse(), Ok(untorn::Scheme::Sidecar));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// An OS lock on the file `P.lock`. Use this one, unless other programs
    /// already have their own scheme.
    #[default]
    Sidecar,
    /// An OS lock on `P` itself, like that of programs that `flock` their data
    /// file. `P` keeps its inode: a document is saved in place. An empty file
    /// is a document that does not exist.
    InPlace,
    /// The lock is held while the file `P.lock` exists, which contains the
    /// holder's pid. A holder that is stopped for longer than the option
    /// `stale` can lose the lock.
    PidFile,
}

impl Scheme {
    /// Returns the word, the same in every language: `"sidecar"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Sidecar => "sidecar",
            Scheme::InPlace => "in-place",
            Scheme::PidFile => "pid-file",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scheme {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "sidecar" => Ok(Scheme::Sidecar),
            "in-place" => Ok(Scheme::InPlace),
            "pid-file" => Ok(Scheme::PidFile),
            _ => Err(format!(
                "a scheme must be \"sidecar\", \"in-place\" or \"pid-file\", not {word:?}"
            )),
        }
    }
}

/// The reaction to a file system that reports that it does not lock files.
///
/// ```
/// assert_eq!("fail".parse(), Ok(untorn::OnUnsupported::Fail));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnUnsupported {
    /// Fail with `LOCK_UNSUPPORTED`: a call never continues without a lock.
    #[default]
    Fail,
    /// Use the scheme `pid-file` there.
    PidFile,
}

impl OnUnsupported {
    /// Returns the word, the same in every language: `"fail"`.
    pub fn as_str(self) -> &'static str {
        match self {
            OnUnsupported::Fail => "fail",
            OnUnsupported::PidFile => "pid-file",
        }
    }
}

impl fmt::Display for OnUnsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OnUnsupported {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "fail" => Ok(OnUnsupported::Fail),
            "pid-file" => Ok(OnUnsupported::PidFile),
            _ => Err(format!(
                "on_unsupported must be \"fail\" or \"pid-file\", not {word:?}"
            )),
        }
    }
}
