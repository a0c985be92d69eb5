//! What may be a record, and several of them made ready for one write.

use std::path::PathBuf;
use std::sync::Arc;

use super::writer::Work;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::header;
use crate::journal::options::Format;
use crate::journal::read::{DamageKind, inspect};
use crate::journal::seal::{self, Chain};
use crate::position::Position;

/// What this journal takes as a record.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub path: PathBuf,
    pub format: Format,
    pub max_record: u64,
    pub header_prefix: Option<Vec<u8>>,
    pub sealed: bool,
}

impl Rules {
    /// What is to be appended: a record that begins as a header does would be one,
    /// if a rotation or a compaction made it the first.
    #[inline]
    pub fn check_no_header(&self, record: &[u8]) -> Result<()> {
        match &self.header_prefix {
            Some(prefix) if record.starts_with(prefix) => Err(header::not_a_record(&self.path)),
            _ => Ok(()),
        }
    }

    /// Bytes from anywhere.
    #[inline]
    pub fn check(&self, record: &[u8]) -> Result<()> {
        self.check_framing(record)?;
        if self.format == Format::Json
            && let Some(damage) = inspect(record)
        {
            return Err(self.not_json(record, damage));
        }
        Ok(())
    }

    /// What an encoder made: only what would break the framing is looked for.
    #[inline]
    pub fn check_framing(&self, record: &[u8]) -> Result<()> {
        let breaks = memchr::memchr2(b'\n', 0, record).is_some();
        // A line of nothing but white space reads as a blank line, and a
        // carriage return at its end as part of the line's end.
        let blank = record.first().is_none_or(u8::is_ascii_whitespace) && is_blank(record);
        let returns = self.format == Format::Lines && record.last() == Some(&b'\r');
        if breaks || blank || returns || record.len() as u64 > self.max_record {
            return Err(self.bad_framing(record));
        }
        Ok(())
    }

    /// What is to be a header: a record that begins with the prefix.
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
            Ok(text) => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
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

/// Whether a line has nothing but white space.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// Records that are appended together: all or none. From [`crate::Journal::batch`].
#[derive(Clone, Debug)]
pub struct Batch {
    rules: Arc<Rules>,
    lines: Vec<u8>,
    count: usize,
    header: Option<Vec<u8>>,
    chain: Chain,
}

impl Batch {
    pub(crate) fn new(rules: &Arc<Rules>) -> Batch {
        Batch {
            rules: Arc::clone(rules),
            lines: Vec::new(),
            count: 0,
            header: None,
            chain: Chain::default(),
        }
    }

    /// Work that was checked already.
    pub(crate) fn of_work(rules: &Arc<Rules>, work: &Work<'_>) -> Batch {
        Batch {
            rules: Arc::clone(rules),
            lines: work.lines.to_vec(),
            count: work.records,
            header: work.header.map(<[u8]>::to_vec),
            chain: Chain::default(),
        }
    }

    /// What is to be done with it.
    pub(crate) fn work(&self, at: Option<Position>) -> Work<'_> {
        Work {
            lines: &self.lines,
            records: self.count,
            header: self.header.as_deref(),
            at,
        }
    }

    /// Adds a record that may come from anywhere: it is checked to be one JSON
    /// value in UTF-8 (in a journal of that format), without a newline.
    ///
    /// # Errors
    /// `INVALID_RECORD`, `LIMIT_EXCEEDED`; the batch is as it was.
    pub fn push(&mut self, record: &[u8]) -> Result<()> {
        self.rules.check_no_header(record)?;
        self.rules.check(record)?;
        self.add(record);
        Ok(())
    }

    /// Adds a record that a JSON encoder has just made: only newlines, NULs,
    /// emptiness and length are looked at.
    ///
    /// # Errors
    /// As [`Batch::push`].
    pub fn push_encoded(&mut self, record: &[u8]) -> Result<()> {
        self.rules.check_no_header(record)?;
        self.rules.check_framing(record)?;
        self.add(record);
        Ok(())
    }

    /// Stamps the journal with this header in the same step in which the
    /// records are appended: both or neither. A second call takes the place of
    /// the first.
    ///
    /// # Errors
    /// As [`crate::Journal::set_header`] for the header itself; the batch is as
    /// it was.
    pub fn set_header(&mut self, header: &[u8]) -> Result<()> {
        self.rules.check_header(header)?;
        self.header = Some(header.to_vec());
        Ok(())
    }

    fn add(&mut self, record: &[u8]) {
        if self.rules.sealed {
            self.lines.reserve(record.len() + seal::LENGTH + 1);
            self.chain.add(&mut self.lines, record);
        } else {
            self.lines.reserve(record.len() + 1);
            self.lines.extend_from_slice(record);
            self.lines.push(b'\n');
        }
        self.count += 1;
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.rules.path
    }

    pub(crate) fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// Whether the records were checked for this journal.
    pub(crate) fn is_for(&self, rules: &Arc<Rules>) -> bool {
        Arc::ptr_eq(&self.rules, rules)
    }
}
