//! Bytes that the caller owns.

use std::ffi::c_void;

use untorn::{Batch, Result};

use crate::argument::Arguments;

/// Bytes of the caller, for example one record of an append of many.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    /// The first byte. May be NULL if len is 0.
    pub data: *const c_void,
    /// The number of bytes.
    pub len: usize,
}

/// Checks the records that C passes, and adds them to a batch.
///
/// # Safety
/// An array of `count` elements, each with valid bytes.
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
