//! Single calls without a handle.

use std::path::Path;

use crate::document::{Document, Version};
use crate::error::Result;
use crate::journal::Journal;
use crate::position::Position;

/// Replaces the whole file at `path`, durably. Missing parent directories are
/// made.
///
/// # Errors
/// As [`Document::save`].
pub fn save(path: impl AsRef<Path>, bytes: &[u8]) -> Result<Version> {
    Document::options().parents(true).open(path)?.save(bytes)
}

/// Returns the bytes of the document at `path`.
///
/// # Errors
/// As [`Document::load`].
pub fn load(path: impl AsRef<Path>) -> Result<(Vec<u8>, Version)> {
    Document::open(path)?.load()
}

/// Appends one record of JSON to the journal at `path`, durably. Missing parent
/// directories are made. For more than a few records keep a [`Journal`] open.
///
/// # Errors
/// As [`Journal::append`].
pub fn append(path: impl AsRef<Path>, record: &[u8]) -> Result<Position> {
    Journal::options().parents(true).open(path)?.append(record)
}
