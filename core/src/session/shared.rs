//! The state that a store and its sessions share.

use std::path::{Path, PathBuf};

use super::name::{self, Name};
use super::options::StoreOptions;
use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::oslock::{PathLock, Scheme};

/// The directory of a session's media files.
pub(super) const MEDIA: &str = "media";

pub(super) struct Shared {
    /// The path with every symbolic link resolved.
    pub path: PathBuf,
    pub options: StoreOptions,
    /// Held while a session's directory is created or removed.
    pub names: PathLock,
}

impl Shared {
    pub fn is_durable(&self) -> bool {
        self.options.durability == Durability::Power
    }

    /// Checks that transactions take the same locks as the files of the sessions.
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
                         the scheme sidecar: they would exclude no process"
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// Checks that a session's directory may hold a file of this name.
pub(crate) fn check_file(operation: &'static str, path: &Path, file: &str) -> Result<()> {
    let checked = if file == MEDIA {
        Err(format!("{file:?} is the directory of the media files"))
    } else {
        name::is_plain_file(file)
    };
    checked.map_err(|why| Error::invalid_argument(operation, path, why))
}

/// Returns the directory of the session that has this name.
pub(super) fn path_of(shared: &Shared, name: &Name) -> PathBuf {
    shared.path.join(&name.text)
}
