//! Decides which bytes may be a record.

use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;

use crate::error::{Error, ErrorKind, Result};
use crate::journal::json;
use crate::journal::options::Format;
use crate::journal::read::DamageKind;

/// Holds the rules of one journal for its records.
#[derive(Clone, Debug)]
pub(crate) struct RecordPolicy {
    pub path: PathBuf,
    pub format: Format,
    pub max_record: u64,
    pub header_prefix: Option<Vec<u8>>,
    pub sealed: bool,
}

impl RecordPolicy {
    /// Refuses a record that begins as a header does. It would become the header if a
    /// rotation or a compaction made it the first line.
    #[inline]
    pub fn check_no_header(&self, record: &[u8]) -> Result<()> {
        match &self.header_prefix {
            Some(prefix) if record.starts_with(prefix) => Err(not_a_record(&self.path)),
            _ => Ok(()),
        }
    }

    /// Checks bytes from any source.
    #[inline]
    pub fn check(&self, record: &[u8]) -> Result<()> {
        // A JSON value on one line is neither blank nor has a NUL or a newline.
        if self.format == Format::Json
            && record.len() as u64 <= self.max_record
            && json::is_value(record)
        {
            return Ok(());
        }
        self.check_framing(record)?;
        if self.format == Format::Json
            && let Some(damage) = inspect(record)
        {
            return Err(self.not_json(record, damage));
        }
        Ok(())
    }

    /// Checks the output of an encoder, only for bytes that would break the framing.
    #[inline]
    pub fn check_framing(&self, record: &[u8]) -> Result<()> {
        let breaks = memchr::memchr2(b'\n', 0, record).is_some();
        // A line of only white space reads as a blank line. A carriage return at its
        // end reads as part of the line's end.
        let blank = record.first().is_none_or(u8::is_ascii_whitespace) && is_blank(record);
        let returns = self.format == Format::Lines && record.last() == Some(&b'\r');
        if breaks || blank || returns || record.len() as u64 > self.max_record {
            return Err(self.bad_framing(record));
        }
        Ok(())
    }

    /// Checks a header: it must be a record that begins with the prefix.
    pub fn check_header(&self, header: &[u8]) -> Result<()> {
        let Some(prefix) = &self.header_prefix else {
            return Err(Error::invalid_argument(
                "set_header",
                &self.path,
                "this handle knows no headers: open the journal with header_prefix",
            ));
        };
        if !header.starts_with(prefix) {
            return Err(self.invalid(format!(
                "a header begins with header_prefix, {:?}",
                String::from_utf8_lossy(prefix)
            )));
        }
        if header.last().is_some_and(u8::is_ascii_whitespace) {
            return Err(self.invalid(
                "white space at the end of a header is padding, and would be lost on reading"
                    .to_owned(),
            ));
        }
        self.check(header)
    }

    #[cold]
    fn bad_framing(&self, record: &[u8]) -> Error {
        let bad = |detail: &str| self.invalid(detail.to_owned());
        if record.len() as u64 > self.max_record {
            return Error::new(
                ErrorKind::LimitExceeded,
                "append",
                &self.path,
                format!(
                    "the record has {} bytes, and max_record is {}; nothing was appended",
                    record.len(),
                    self.max_record
                ),
            );
        }
        if is_blank(record) {
            return bad("an empty record would read as a blank line");
        }
        match memchr::memchr2(b'\n', 0, record) {
            Some(at) if record[at] == b'\n' && at + 1 == record.len() => {
                bad("leave the final newline off: it is added")
            }
            Some(at) if record[at] == b'\n' => self.invalid(format!(
                "a newline at byte {at} would make two records of it; escape it"
            )),
            Some(at) => self.invalid(format!("a NUL at byte {at}")),
            None => bad("a carriage return at the end would be lost on reading"),
        }
    }

    #[cold]
    fn not_json(&self, record: &[u8], damage: DamageKind) -> Error {
        let why = match std::str::from_utf8(record) {
            Err(error) => format!("not UTF-8 from byte {} on", error.valid_up_to()),
            Ok(text) => match serde_json::from_slice::<IgnoredAny>(text.as_bytes()) {
                Err(error) => format!("not one JSON value: {error}"),
                Ok(_) => damage.as_str().to_owned(),
            },
        };
        self.invalid(why)
    }

    fn invalid(&self, detail: String) -> Error {
        Error::new(
            ErrorKind::InvalidRecord,
            "append",
            &self.path,
            format!("{detail}; nothing was appended"),
        )
    }
}

/// Returns whether a line has only white space.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

#[cold]
pub(crate) fn not_a_record(path: &Path) -> Error {
    Error::new(
        ErrorKind::InvalidRecord,
        "append",
        path,
        "a record that begins with header_prefix would be the header, if it became the first line of \
         a file: use set_header; nothing was appended",
    )
}

/// Returns the damage of a line that should be one JSON value; `None` if it is one. A
/// decoder that refused a record can report the reason with it.
pub fn inspect(line: &[u8]) -> Option<DamageKind> {
    if json::is_value(line) {
        return None;
    }
    let Ok(text) = std::str::from_utf8(line) else {
        return Some(DamageKind::NotUtf8);
    };
    // A newline is white space to this one.
    if serde_json::from_slice::<IgnoredAny>(text.as_bytes()).is_ok() {
        return None;
    }
    let mut values =
        serde_json::Deserializer::from_slice(text.as_bytes()).into_iter::<IgnoredAny>();
    let first_is_whole = values.next().is_some_and(|first| first.is_ok());
    let more = text
        .get(values.byte_offset()..)
        .is_some_and(|rest| !rest.trim().is_empty());
    // This includes `}garbage`: a whole record with bytes glued to it.
    Some(if first_is_whole && more {
        DamageKind::Glued
    } else {
        DamageKind::NotJson
    })
}

#[cfg(test)]
mod tests {
    use super::{DamageKind, inspect};

    #[test]
    fn tells_what_is_wrong() {
        let cases: &[(&[u8], Option<DamageKind>)] = &[
            (b"{\"a\":1}", None),
            (b" [1,2] ", None),
            (b"1e999", None),
            ("{\"a\":\"\u{2028}\"}".as_bytes(), None),
            (b"{\"a\":1}{\"b\":2}", Some(DamageKind::Glued)),
            (b"{\"a\":1}{\"b\":", Some(DamageKind::Glued)),
            (b"{\"a\":1", Some(DamageKind::NotJson)),
            (b"{\"a\":NaN}", Some(DamageKind::NotJson)),
            (b"{\"a\":\"\xff\"}", Some(DamageKind::NotUtf8)),
        ];
        for (line, expected) in cases {
            assert_eq!(
                inspect(line),
                *expected,
                "{}",
                String::from_utf8_lossy(line)
            );
        }
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        assert_eq!(inspect(&deep), None);
    }
}
