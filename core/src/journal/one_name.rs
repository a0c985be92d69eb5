//! A journal has one name.
//!
//! Each name of a file has a lock file of its own beside it. So whoever appends
//! by another name, by a hard link or where the file by itself is mounted into a
//! container, is not kept out, and would take our append in flight for a torn
//! tail. That is told before anything is written.

use std::io;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::lockfile::Identity;
use crate::recovery::transaction::names;
use crate::sys::{self, Access, File, Stat};
use crate::{rotated, temporary};

/// Whether there may be another name. Asked with each append: what is asked of
/// the name anyway says it.
#[inline]
pub(crate) fn is_in_doubt(seen: &Stat) -> bool {
    seen.links > 1 || seen.is_mount_root
}

/// Refuses a journal that has another name. Under its lock.
#[cold]
pub(crate) fn check(path: &Path, operation: &'static str, seen: &Stat) -> Result<()> {
    let told = |error| Error::os(operation, path, error);
    if seen.is_mount_root {
        return Err(refused(
            path,
            operation,
            "this file by itself is a mount point, and where it comes from it has another name",
        ));
    }
    // A rotation that a power cut ended leaves the journal a second name.
    let file = File::open(path, Access::Read).map_err(told)?;
    let identity = Identity::of(&file).map_err(told)?;
    rotated::drop_second_name(path, identity).map_err(told)?;
    drop_first_names(path).map_err(told)?;
    match sys::look(path).map_err(told)? {
        Some(now) if now.links > 1 => Err(refused(
            path,
            operation,
            &format!("this file has {} names (hard links)", now.links),
        )),
        _ => Ok(()),
    }
}

/// Takes from it the names under which it was written before it had this one: a
/// power cut between the link and the unlink leaves both. Its lock is held, so
/// nobody is between them now.
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
            "{why}; each name has a lock file of its own beside it, so programs that use another \
             name are not kept out; nothing was changed; give the file one name, mount its \
             directory instead, or open it with scheme=\"in-place\" everywhere, whose lock is on \
             the file itself"
        ),
    )
}
