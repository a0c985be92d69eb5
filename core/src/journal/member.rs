//! What a transaction needs of a journal that it appends to.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::batch::{Batch, Rules};
use super::{JournalOptions, repair};
use crate::error::{Error, Result};
use crate::fs::{Access, File};
use crate::lock::record::Identity;

/// An empty batch for the journal at this path.
pub(crate) fn batch(path: &Path, options: &JournalOptions) -> Batch {
    Batch::new(&Arc::new(Rules {
        path: path.to_owned(),
        format: options.format,
        max_record: options.max_record,
        header_prefix: options.header_prefix.clone(),
    }))
}

/// The lines of a batch that was made for the journal at this path.
pub(crate) fn lines<'a>(path: &Path, batch: &'a Batch) -> Result<&'a [u8]> {
    if batch.path() == path {
        return Ok(batch.lines());
    }
    Err(Error::invalid_argument(
        "append",
        path,
        "the batch was made by another journal, and checked for that one",
    ))
}

/// Where the next record goes, after a repair where that takes one; `None` if the
/// journal is not there. Under its lock.
pub(crate) fn end(path: &Path, options: &JournalOptions) -> Result<Option<(Identity, u64)>> {
    let told = |error| Error::os("append", path, error);
    let file = match File::open(path, Access::Append) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result.map_err(told)?,
    };
    repair::tail(&file, path, options)?;
    let end = file.size().map_err(told)?;
    Ok(Some((Identity::of(&file).map_err(told)?, end)))
}
