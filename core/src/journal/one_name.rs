//! Refuses a journal that has more than one name.
//!
//! Each name of a file has a lock file of its own next to it. So a program that appends
//! by another name is not kept out. It would take our append in flight for a torn tail.
//! A hard link is such a name. So is a mount of the single file, as in a container. The
//! error comes before anything is written.

use std::io;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::lockfile::Identity;
use crate::recovery::transaction::names;
use crate::sys::{self, Access, File, Stat};
use crate::{rotated, temporary};

/// Refuses a journal that has another name. The caller must hold its lock.
#[cold]
pub(crate) fn check(path: &Path, operation: &'static str, seen: &Stat) -> Result<()> {
    let os_error = |error| Error::os(operation, path, error);
    if seen.is_mount_root {
        return Err(refused(
            path,
            operation,
            "this single file is a mount point, and its source has another name",
        ));
    }
    // A rotation that a power cut ended leaves the journal a second name.
    let file = File::open(path, Access::Read).map_err(os_error)?;
    let identity = Identity::of(&file).map_err(os_error)?;
    rotated::drop_second_name(path, identity).map_err(os_error)?;
    drop_first_names(path).map_err(os_error)?;
    match sys::look(path).map_err(os_error)? {
        Some(now) if now.links > 1 => Err(refused(
            path,
            operation,
            &format!("this file has {} names (hard links)", now.links),
        )),
        _ => Ok(()),
    }
}

/// Removes the temporary names under which the file was written at first. A power cut
/// between the link and the unlink leaves both names. The journal's lock is held, so no
/// process is between the two calls now.
fn drop_first_names(path: &Path) -> io::Result<()> {
    let Some(dir) = path.parent() else {
        return Ok(());
    };
    for name in sys::list(dir)? {
        let ours = |name: &str| temporary::is_temporary(name) || names::is_left_behind(name);
        let first = dir.join(&name);
        if name.to_str().is_some_and(ours) && sys::same_file(&first, path)? {
            sys::unlink(&first)?;
        }
    }
    Ok(())
}

fn refused(path: &Path, operation: &'static str, why: &str) -> Error {
    Error::new(
        ErrorKind::LockUnsupported,
        operation,
        path,
        format!(
            "{why}; each name has a lock file of its own next to it, so programs that use another \
             name are not kept out; nothing was changed; give the file one name, mount its \
             directory instead, or open it with scheme=\"in-place\" everywhere, whose lock is on \
             the file itself"
        ),
    )
}
