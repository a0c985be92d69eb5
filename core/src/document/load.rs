//! Reads a document whole. One open reads one file.

use std::io;
use std::path::Path;

use super::in_place;
use super::shared::Shared;
use super::version::Version;
use crate::error::{Error, ErrorKind, Result};
use crate::oslock::LockFile;
use crate::sys::{self, Access, File};
use crate::target::no_directory;

impl Shared {
    /// Loads the document; `None` if it is missing.
    pub(super) fn load(&self) -> Result<Option<(Vec<u8>, Version)>> {
        if self.lock.is_in_place() {
            return Ok(in_place::load(&self.path, &self.lock)?.map(with_version));
        }
        if let Some(bytes) = bytes_of(&self.path, "load")? {
            return Ok(Some(with_version(bytes)));
        }
        self.load_elsewhere()
    }

    /// Loads the file that the path leads to by now. A symbolic link above may
    /// have exchanged the directory for another. A save would still go to the
    /// directory that was resolved at the open, and fails.
    #[cold]
    fn load_elsewhere(&self) -> Result<Option<(Vec<u8>, Version)>> {
        if self.options.home.is_some() || !self.is_dir_gone() {
            return Ok(None);
        }
        match sys::real_path(&self.given) {
            Ok(now) if now != self.path => Ok(bytes_of(&now, "load")?.map(with_version)),
            _ => Ok(None),
        }
    }

    fn is_dir_gone(&self) -> bool {
        let dir = self.path.parent();
        dir.is_some_and(|dir| matches!(sys::stat(dir), Ok(None)))
    }

    pub(super) fn missing(&self) -> Error {
        let why = "the document does not exist";
        let error = Error::new(ErrorKind::NotFound, "load", &self.path, why);
        match self.is_dir_gone() {
            true => error.hint(no_directory(&self.path)),
            false => error,
        }
    }

    /// Loads the document under its lock.
    pub(super) fn load_under(
        &self,
        operation: &'static str,
        lock: LockFile<'_>,
    ) -> Result<Option<(Vec<u8>, Version)>> {
        if self.lock.is_in_place() {
            return Ok(in_place::read(operation, &self.path, lock)?.map(with_version));
        }
        Ok(bytes_of(&self.path, operation)?.map(with_version))
    }
}

fn with_version(bytes: Vec<u8>) -> (Vec<u8>, Version) {
    let version = Version::of(&bytes);
    (bytes, version)
}

/// Returns the bytes of a file; `None` if it is missing.
pub(crate) fn bytes_of(path: &Path, operation: &'static str) -> Result<Option<Vec<u8>>> {
    let os_error = |error| Error::os(operation, path, error);
    let file = match File::open(path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result.map_err(os_error)?,
    };
    file.read_all().map(Some).map_err(os_error)
}
