//! A record, lent by the reader or by itself.

use crate::position::Position;

/// A record in the reader's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Without the newline.
    pub bytes: &'a [u8],
    /// Where it begins.
    pub start: Position,
    /// Where the next line begins: reading on from here yields what follows.
    pub end: Position,
}

/// A record by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRecord {
    /// Without the newline.
    pub bytes: Vec<u8>,
    /// Where it begins.
    pub start: Position,
    /// Where the next line begins.
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
