// Generated from spec/constants.toml by `cargo xtask generate`. Do not edit.
//! The words that options take and that results name.

use std::fmt;
use std::str::FromStr;

/// The format of a journal's records.
///
/// ```
/// assert_eq!("json".parse(), Ok(untorn::Format::Json));
/// ```
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

/// How an existing header is changed.
///
/// ```
/// assert_eq!("stamp".parse(), Ok(untorn::HeaderMode::Stamp));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HeaderMode {
    /// In place, if it fits: the cost does not depend on the journal's length.
    #[default]
    Stamp,
    /// Always with a new file. Programs that read without this library then
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

/// The kind of damage of a stretch of a journal.
///
/// ```
/// assert_eq!(untorn::DamageKind::TornTail.as_str(), "torn_tail");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DamageKind {
    /// Bytes after the last newline, or an incomplete append of many. A crash
    /// cut it off, or it is being appended now.
    TornTail,
    /// A line with NULs, which a power cut can leave.
    NulRun,
    /// A line longer than `max_record`.
    TooLong,
    /// Two or more values on one line: a newline was lost.
    Glued,
    /// A line that is not JSON.
    NotJson,
    /// A line that is not UTF-8.
    NotUtf8,
    /// In a sealed journal: a line whose seal does not match. With length 0: a
    /// place where the rest of an append is missing.
    BadSeal,
    /// A whole record at the end of the file, without its newline. The next
    /// append adds it. Only a check reports this kind; a reader reports a torn
    /// tail.
    MissingNewline,
    /// No damage, only a note of a check: a byte order mark is before the first
    /// line. Readers skip it.
    ByteOrderMark,
    /// No damage, only a note of a check: a line ends with a carriage return
    /// and a newline. Readers skip it.
    CarriageReturn,
    /// No damage, only a note of a check: a record has an escape that is half a
    /// character. Many programs refuse such text.
    LoneSurrogate,
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
            DamageKind::MissingNewline => "missing_newline",
            DamageKind::ByteOrderMark => "byte_order_mark",
            DamageKind::CarriageReturn => "carriage_return",
            DamageKind::LoneSurrogate => "lone_surrogate",
        }
    }
}
