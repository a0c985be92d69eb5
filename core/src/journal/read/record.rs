//! Defines records: lent by the reader, or owned.

use crate::position::Position;

/// Is a record in the reader's buffer.
///
/// ```
/// use untorn::Journal;
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::open(dir.path().join("j.jsonl"))?;
/// let end = journal.append(b"[1]")?;
/// let mut records = journal.records()?;
/// let record = records.next_record()?.expect("one");
/// assert_eq!((record.bytes, record.end), (&b"[1]"[..], end));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record without its newline.
    pub bytes: &'a [u8],
    /// The record's start.
    pub start: Position,
    /// The next line's start. Reading from here yields the next record.
    pub end: Position,
}

/// Is a record that owns its bytes.
///
/// ```
/// use untorn::Journal;
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::open(dir.path().join("j.jsonl"))?;
/// journal.append_all(["[1]", "[2]"])?;
/// let last = journal.tail(1)?.remove(0);
/// assert_eq!(last.bytes, b"[2]");
/// assert_eq!(journal.records_from(last.start)?.count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRecord {
    /// The record without its newline.
    pub bytes: Vec<u8>,
    /// The record's start.
    pub start: Position,
    /// The next line's start.
    pub end: Position,
}

impl From<Record<'_>> for OwnedRecord {
    fn from(record: Record<'_>) -> OwnedRecord {
        OwnedRecord {
            bytes: record.bytes.to_vec(),
            start: record.start,
            end: record.end,
        }
    }
}
