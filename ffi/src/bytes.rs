//! Bytes of the caller's.

/// Some bytes that the caller has: one of the records of an append of many.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    /// The first byte; may be NULL if len is 0.
    pub data: *const u8,
    /// How many.
    pub len: usize,
}
