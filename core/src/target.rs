//! Resolves the file that a path means.

use std::io;
use std::path::{Path, PathBuf};

use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Stat};

/// Refuses a mode for new files that is more than permission bits. Set-id
/// rights and the sticky bit must not be given by mistake.
pub(crate) fn check_mode(operation: &'static str, path: &Path, mode: Option<u32>) -> Result<()> {
    match mode {
        Some(mode) if mode > 0o777 => Err(Error::invalid_argument(
            operation,
            path,
            match u32::from_str_radix(&mode.to_string(), 8) {
                Ok(octal) if octal <= 0o777 => format!(
                    "mode {mode} is 0o{mode:o}, more than permission bits (0o777); modes are \
                     octal: 0o{mode}?"
                ),
                _ => format!("mode 0o{mode:o} is more than permission bits (0o777)"),
            },
        )),
        _ => Ok(()),
    }
}

/// Returns the path with every symbolic link resolved, even a dangling one. So
/// all that use the file by any of its names take the same lock. Also returns what the
/// system says of the file; `None` if it is missing.
pub(crate) fn resolve(
    operation: &'static str,
    path: &Path,
    make_parents: bool,
    durability: Durability,
) -> Result<(PathBuf, Option<Stat>)> {
    let os_error = |error| Error::os(operation, path, error);
    if path.as_os_str().is_empty() {
        return Err(Error::invalid_argument(
            operation,
            path,
            "the path is empty",
        ));
    }
    if names_a_directory(path) {
        return Err(Error::invalid_argument(
            operation,
            path,
            "the path ends in a separator or a dot, so it names a directory and not a file",
        ));
    }
    let mut resolved = sys::real_path_and_stat(path);
    // The directories nearly always exist already, so nothing looks for them first.
    if make_parents && matches!(&resolved, Err(error) if error.kind() == io::ErrorKind::NotFound) {
        sys::create_parents(path, durability == Durability::Power).map_err(os_error)?;
        resolved = sys::real_path_and_stat(path);
    }
    resolved.map_err(|error| {
        let made = os_error(error);
        match made.kind() {
            ErrorKind::NotFound => made.hint(missing_directory(path)),
            _ => made,
        }
    })
}

/// Says which directory is missing, and what helps.
fn missing_directory(path: &Path) -> String {
    let none = no_directory(path);
    // A binding may have put the working directory before it.
    let has_part = |whole: &str| path.iter().any(|part| part == whole);
    if has_part("~") || path.as_os_str().as_encoded_bytes().starts_with(b"~") {
        return format!("{none}: a shell expands `~`, this library does not; write the whole path");
    }
    if has_part("file:") {
        return format!("{none}: write a path, not a URL");
    }
    format!("{none}: make it, or open with `parents`")
}

/// Returns whether the spelling names a directory: `x/`, `x/.`. std's own
/// functions take both for `x`.
fn names_a_directory(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    let is_separator = |byte: &u8| std::path::is_separator(char::from(*byte));
    match bytes {
        [.., before, b'.'] => is_separator(before),
        [.., last] => is_separator(last),
        [] => false,
    }
}

/// Returns the path from the root on, so that it means the same after a
/// `chdir`. Symbolic links in it are not resolved, and it need not exist. This
/// is for handles that are made with a path now and open it later.
///
/// # Errors
/// `INVALID_ARGUMENT`: the path is empty. `NOT_FOUND`: the working directory
/// was removed.
pub fn absolute(path: impl AsRef<Path>) -> Result<PathBuf> {
    let path = path.as_ref();
    if path.as_os_str().is_empty() {
        return Err(Error::invalid_argument("open", path, "the path is empty"));
    }
    sys::absolute(path).map_err(|error| {
        Error::os("open", path, error).hint("a relative path needs the working directory")
    })
}

/// Says which directory is missing for `path`.
pub(crate) fn no_directory(path: &Path) -> String {
    let directory = path.parent().unwrap_or(path);
    format!("the directory {} does not exist", directory.display())
}
