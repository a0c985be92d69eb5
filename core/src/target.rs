//! Which file a path means.

use std::path::{Path, PathBuf};

use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::sys;

/// Refuses a mode for new files that is more than permission bits: set-id rights
/// and the sticky bit are not to be given by mistake.
pub(crate) fn check_mode(operation: &'static str, path: &Path, mode: Option<u32>) -> Result<()> {
    match mode {
        Some(mode) if mode > 0o777 => Err(Error::invalid_argument(
            operation,
            path,
            format!("mode 0o{mode:o} is more than permission bits (0o777)"),
        )),
        _ => Ok(()),
    }
}

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
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes
        .last()
        .is_some_and(|last| std::path::is_separator(char::from(*last)))
    {
        return Err(Error::invalid_argument(
            operation,
            path,
            "the path ends in a separator, so it names a directory and not a file",
        ));
    }
    if make_parents {
        sys::create_parents(path, durability == Durability::Power).map_err(told)?;
    }
    sys::real_path(path).map_err(|error| {
        let made = told(error);
        match made.kind() {
            ErrorKind::NotFound => made.hint(format!(
                "{}: make it, or open with `parents`",
                no_directory(path)
            )),
            _ => made,
        }
    })
}

/// Says which directory is missing for `path`.
pub(crate) fn no_directory(path: &Path) -> String {
    let directory = path.parent().unwrap_or(path);
    format!("the directory {} does not exist", directory.display())
}
