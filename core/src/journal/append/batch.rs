//! Holds the records of one append, checked and laid out as lines.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::journal::record_policy::RecordPolicy;
use crate::journal::seal::{self, Chain};
use crate::position::Position;

/// Holds the lines, and the header, that one append puts into the file.
#[derive(Clone, Copy)]
pub(crate) struct PendingWrite<'a> {
    /// Lines, each ended by a newline.
    pub lines: &'a [u8],
    pub records: usize,
    /// The header without padding. It goes into the file in the same step.
    pub header: Option<&'a [u8]>,
    /// The append is made only if the journal ends here.
    pub at: Option<Position>,
}

/// Collects records that are appended together: all or none. [`crate::Journal::batch`]
/// makes one.
///
/// ```
/// use untorn::{CallOptions, Journal};
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::open(dir.path().join("j.jsonl"))?;
/// let mut batch = journal.batch();
/// batch.push(b"{\"n\":1}")?;
/// batch.push(b"{\"n\":2}")?;
/// journal.append_batch(&batch, None, &CallOptions::new())?;
/// assert_eq!(journal.tail(9)?.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batch {
    rules: Arc<RecordPolicy>,
    lines: Vec<u8>,
    count: usize,
    header: Option<Vec<u8>>,
    chain: Chain,
}

impl Batch {
    pub(crate) fn new(rules: &Arc<RecordPolicy>) -> Batch {
        Batch {
            rules: Arc::clone(rules),
            lines: Vec::new(),
            count: 0,
            header: None,
            chain: Chain::default(),
        }
    }

    /// Copies work whose records are already checked.
    pub(crate) fn of_work(rules: &Arc<RecordPolicy>, work: &PendingWrite<'_>) -> Batch {
        Batch {
            rules: Arc::clone(rules),
            lines: work.lines.to_vec(),
            count: work.records,
            header: work.header.map(<[u8]>::to_vec),
            chain: Chain::default(),
        }
    }

    /// Returns the work that appends this batch.
    pub(crate) fn work(&self, at: Option<Position>) -> PendingWrite<'_> {
        PendingWrite {
            lines: &self.lines,
            records: self.count,
            header: self.header.as_deref(),
            at,
        }
    }

    /// Adds a record from any source, so it is checked first. In a JSON journal it must
    /// be one JSON value in UTF-8, without a newline.
    ///
    /// # Errors
    /// `INVALID_RECORD`, `LIMIT_EXCEEDED`; the batch is as it was.
    pub fn push(&mut self, record: &[u8]) -> Result<()> {
        self.rules.check_no_header(record)?;
        self.rules.check(record)?;
        self.add(record);
        Ok(())
    }

    /// Adds a record that a JSON encoder has just made. Only newlines, NULs, emptiness
    /// and length are checked.
    ///
    /// # Errors
    /// As [`Batch::push`].
    pub fn push_encoded(&mut self, record: &[u8]) -> Result<()> {
        self.rules.check_no_header(record)?;
        self.rules.check_framing(record)?;
        self.add(record);
        Ok(())
    }

    /// Stamps the journal with this header in the step that appends the records: both
    /// or neither. A second call replaces the header of the first.
    ///
    /// # Errors
    /// As [`crate::Journal::set_header`] for the header itself; the batch is as it was.
    pub fn set_header(&mut self, header: &[u8]) -> Result<()> {
        self.rules.check_header(header)?;
        self.header = Some(header.to_vec());
        Ok(())
    }

    /// Does the same with a record that is this batch's from now on. The first record of a
    /// batch is not copied, if its memory has room for the newline.
    ///
    /// # Errors
    /// As [`Batch::push`].
    #[doc(hidden)]
    pub fn push_encoded_owned(&mut self, record: Vec<u8>) -> Result<()> {
        if self.rules.sealed || !self.lines.is_empty() {
            return self.push_encoded(&record);
        }
        self.rules.check_no_header(&record)?;
        self.rules.check_framing(&record)?;
        self.lines = record;
        self.lines.push(b'\n');
        self.count += 1;
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

    /// Makes room for so many more records, if they are like the first. Without it each
    /// growth of the buffer copies all that is in it.
    pub(crate) fn reserve_like_first(&mut self, more: usize) {
        const AT_MOST: usize = 1 << 16;
        let room = self.lines.len().saturating_mul(more);
        self.lines.reserve(room.min(AT_MOST));
    }

    /// Adds the records of another batch of the same journal, after this one's.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if another journal made it, or it has a header; the batch is as
    /// it was.
    pub fn join(&mut self, other: &Batch) -> Result<()> {
        let why = match other {
            other if !other.is_for(&self.rules) => "the batch was made by another journal",
            other if other.has_header() => "a batch with a header is appended by itself",
            _ => {
                self.lines.extend_from_slice(&other.lines);
                self.count += other.count;
                // A record that is pushed later belongs to the last append.
                if other.count > 0 {
                    self.chain = other.chain.clone();
                }
                return Ok(());
            }
        };
        Err(Error::invalid_argument("append", self.path(), why))
    }

    /// Returns the lines of the records, each with its newline, and with its seal in a
    /// sealed journal.
    pub fn bytes(&self) -> &[u8] {
        &self.lines
    }

    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns whether the batch stamps the journal with a header.
    pub fn has_header(&self) -> bool {
        self.header.is_some()
    }

    /// Returns whether the batch has no records.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.rules.path
    }

    pub(crate) fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// Returns whether the records were checked for this journal.
    pub(crate) fn is_for(&self, rules: &Arc<RecordPolicy>) -> bool {
        Arc::ptr_eq(&self.rules, rules)
    }
}
