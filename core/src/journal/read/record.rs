//! Defines records: lent by the reader, or owned.

use crate::position::Position;

/// Is a record in the reader's buffer.
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
