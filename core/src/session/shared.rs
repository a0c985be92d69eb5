//! What a store and its sessions share.

use std::path::{Path, PathBuf};

use super::name::{self, Name};
use super::options::StoreOptions;
use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::oslock::{PathLock, Scheme};

/// Where a session's media files are.
pub(super) const MEDIA: &str = "media";

pub(super) struct Shared {
    /// Resolved: no symbolic link in it.
    pub path: PathBuf,
    pub options: StoreOptions,
    /// Held while a directory comes to be or goes.
    pub names: PathLock,
}

impl Shared {
    pub fn is_durable(&self) -> bool {
        self.options.durability == Durability::Power
    }

    /// Whether transactions take the locks that the files of the sessions have.
    pub fn check_transactions(&self, operation: &'static str) -> Result<()> {
        let options = &self.options;
        for scheme in [
            options.journal.lock_scheme(),
            options.document.lock_scheme(),
        ] {
            if scheme != Scheme::Sidecar {
                return Err(Error::invalid_argument(
                    operation,
                    &self.path,
                    format!(
                        "the store was opened with the scheme {scheme}, and transactions take locks of \
                         the scheme sidecar: they would keep nobody out"
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// Whether a session's directory may hold a file of this name.
pub(super) fn check_file(operation: &'static str, path: &Path, file: &str) -> Result<()> {
    let checked = if file == MEDIA {
        Err(format!("{file:?} is the directory of the media files"))
    } else {
        name::is_plain_file(file)
    };
    checked.map_err(|why| Error::invalid_argument(operation, path, why))
}

/// The directory of the session that has this name.
pub(super) fn path_of(shared: &Shared, name: &Name) -> PathBuf {
    shared.path.join(&name.text)
}
