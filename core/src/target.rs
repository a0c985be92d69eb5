//! Which file a path means.

use std::path::{Path, PathBuf};

use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;

/// The path with every symbolic link resolved, a dangling one too, so that all
/// who use the file by any of its names take the same lock.
pub(crate) fn resolve(
    operation: &'static str,
    path: &Path,
    make_parents: bool,
    durability: Durability,
) -> Result<PathBuf> {
    let told = |error| Error::os(operation, path, error);
    if path.as_os_str().is_empty() {
        return Err(Error::invalid_argument(
            operation,
            path,
            "the path is empty",
        ));
    }
    if make_parents {
        fs::create_parents(path, durability == Durability::Power).map_err(told)?;
    }
    fs::real_path(path).map_err(|error| {
        let made = told(error);
        match made.kind() {
            ErrorKind::NotFound => made.hint("the directory does not exist"),
            _ => made,
        }
    })
}
