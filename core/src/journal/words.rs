// Generated from spec/constants.toml by `cargo xtask generate`. Do not edit.
//! What options take and results name: each is one of a few words.

use std::fmt;
use std::str::FromStr;

/// What the records of a journal are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// A record is one JSON value.
    #[default]
    Json,
    /// A record is any bytes without a newline or NUL.
    Lines,
}

impl Format {
    /// Returns the word, the same in every language: `"json"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Lines => "lines",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "json" => Ok(Format::Json),
            "lines" => Ok(Format::Lines),
            _ => Err(format!(
                "format must be \"json\" or \"lines\", not {word:?}"
            )),
        }
    }
}

/// How a header is changed that exists already.
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
    /// Returns the word, the same in every language: `"stamp"`.
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

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "stamp" => Ok(HeaderMode::Stamp),
            "rename" => Ok(HeaderMode::Rename),
            _ => Err(format!(
                "a header mode must be \"stamp\" or \"rename\", not {word:?}"
            )),
        }
    }
}

/// What is wrong with a stretch of a journal.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DamageKind {
    /// Bytes after the last newline, or an append of many that is not whole:
    /// cut off by a crash, or being appended at this moment.
    TornTail,
    /// A line that holds NULs, as a power cut leaves them.
    NulRun,
    /// A line longer than `max_record`.
    TooLong,
    /// Two or more values on one line: a newline was lost.
    Glued,
    /// A line that is not JSON.
    NotJson,
    /// A line that is not UTF-8.
    NotUtf8,
    /// In a sealed journal: a line that its seal does not fit, or, with length
    /// 0, a place where the rest of an append is missing.
    BadSeal,
}

impl DamageKind {
    /// Returns the word, the same in every language: `"torn_tail"`.
    pub fn as_str(self) -> &'static str {
        match self {
            DamageKind::TornTail => "torn_tail",
            DamageKind::NulRun => "nul_run",
            DamageKind::TooLong => "too_long",
            DamageKind::Glued => "glued",
            DamageKind::NotJson => "not_json",
            DamageKind::NotUtf8 => "not_utf8",
            DamageKind::BadSeal => "bad_seal",
        }
    }
}
