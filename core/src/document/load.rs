//! Reading a document: one open, so one file, whole.

use std::io;
use std::path::Path;

use super::{Shared, Version};
use crate::error::{Error, Result};
use crate::fs::{Access, File};

impl Shared {
    /// `None` if it is not there.
    pub(super) fn load(&self) -> Result<Option<(Vec<u8>, Version)>> {
        Ok(bytes_of(&self.path, "load")?.map(|bytes| {
            let version = Version::of(&bytes);
            (bytes, version)
        }))
    }
}

/// The bytes of a file; `None` if it is not there.
pub(crate) fn bytes_of(path: &Path, operation: &'static str) -> Result<Option<Vec<u8>>> {
    let told = |error| Error::os(operation, path, error);
    let file = match File::open(path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result.map_err(told)?,
    };
    read_all(&file).map(Some).map_err(told)
}

fn read_all(file: &File) -> io::Result<Vec<u8>> {
    let size = usize::try_from(file.size()?).map_err(|_| io::ErrorKind::OutOfMemory)?;
    // One more, so that the end shows in the first read.
    let mut bytes = vec![0; size + 1];
    let mut filled = 0;
    loop {
        filled += file.read_full_at(&mut bytes[filled..], filled as u64)?;
        if filled < bytes.len() {
            bytes.truncate(filled);
            return Ok(bytes);
        }
        // Somebody writes it in place; take what is there.
        bytes.resize(bytes.len() * 2, 0);
    }
}
