//! Reading a document: one open, so one file, whole.

use std::io;
use std::path::Path;

use super::{Shared, Version, in_place};
use crate::error::{Error, Result};
use crate::oslock::LockFile;
use crate::sys::{Access, File};

impl Shared {
    /// `None` if it is not there.
    pub(super) fn load(&self) -> Result<Option<(Vec<u8>, Version)>> {
        if self.lock.is_in_place() {
            return Ok(in_place::load(&self.path)?.map(with_version));
        }
        Ok(bytes_of(&self.path, "load")?.map(with_version))
    }

    /// The same under the lock.
    pub(super) fn load_under(
        &self,
        operation: &'static str,
        lock: LockFile<'_>,
    ) -> Result<Option<(Vec<u8>, Version)>> {
        if self.lock.is_in_place() {
            return Ok(in_place::read(operation, &self.path, lock)?.map(with_version));
        }
        self.load()
    }
}

fn with_version(bytes: Vec<u8>) -> (Vec<u8>, Version) {
    let version = Version::of(&bytes);
    (bytes, version)
}

/// The bytes of a file; `None` if it is not there.
pub(crate) fn bytes_of(path: &Path, operation: &'static str) -> Result<Option<Vec<u8>>> {
    let told = |error| Error::os(operation, path, error);
    let file = match File::open(path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result.map_err(told)?,
    };
    file.read_all().map(Some).map_err(told)
}
