//! Bytes of the caller's.

use untorn::{Batch, Result};

use crate::argument::Arguments;

/// Some bytes that the caller has: one of the records of an append of many.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    /// The first byte; may be NULL if len is 0.
    pub data: *const u8,
    /// How many.
    pub len: usize,
}

/// The records that C gave, checked.
///
/// # Safety
/// An array of so many, each with its bytes.
pub(crate) unsafe fn fill(
    mut batch: Batch,
    records: *const Bytes,
    count: usize,
    arguments: &Arguments<'_>,
) -> Result<Batch> {
    // SAFETY: the caller's promise.
    for record in unsafe { arguments.array(records, count, "records")? } {
        // SAFETY: the caller's promise.
        batch.push(unsafe { arguments.bytes(record.data, record.len, "data of a record")? })?;
    }
    Ok(batch)
}
