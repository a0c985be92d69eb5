//! Calls on names, announced.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::seam::{Op, announce, taken};
use super::{Stat, sys};

pub(crate) use sys::meta::Attributes;

/// Returns the identity and size of the file that the name means; `None` if it
/// is missing. Follows symbolic links.
#[inline]
pub(crate) fn stat(path: &Path) -> io::Result<Option<Stat>> {
    announce(Op::StatPath, Some(path))?;
    absent(sys::path::stat(path).map(taken))
}

/// Does the same for the name itself: a symbolic link is not followed.
#[inline]
pub(crate) fn look(path: &Path) -> io::Result<Option<Stat>> {
    announce(Op::StatPath, Some(path))?;
    absent(sys::path::look(path).map(taken))
}

/// Returns whether the name is a symbolic link.
pub(crate) fn is_link(path: &Path) -> io::Result<bool> {
    announce(Op::StatPath, Some(path))?;
    Ok(sys::path::read_link(path)?.is_some())
}

/// Returns whether both names mean one file; `false` if one of them is missing.
pub(crate) fn same_file(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (stat(one)?, stat(other)?);
    Ok(matches!((one, other), (Some(one), Some(other)) if one.id == other.id))
}

/// Returns mode, owner and extended attributes of the file; `None` if it is
/// missing.
pub(crate) fn metadata(path: &Path) -> io::Result<Option<Attributes>> {
    announce(Op::StatPath, Some(path))?;
    absent(sys::meta::read(path))
}

/// Returns its rights alone.
pub(crate) fn rights(path: &Path) -> io::Result<Option<Attributes>> {
    announce(Op::StatPath, Some(path))?;
    absent(sys::meta::rights(path))
}

/// Whether files have rights of their own here. If not, the rights come from
/// the directory.
pub(crate) const HAS_RIGHTS: bool = sys::meta::HAS_RIGHTS;

/// Whether a directory can be renamed while a program has a file in it open.
pub(crate) const MOVES_OPEN_FILES: bool = cfg!(unix);

#[inline]
fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns whether the file system may copy a file that is opened to be written: an
/// overlay does. If the system does not say, it may.
pub(crate) fn may_copy_what_is_opened(path: &Path) -> bool {
    announce(Op::StatPath, Some(path)).is_err() || sys::volume::may_copy(path)
}

/// Returns the name of the file system that `path` is on, if the system reports
/// it.
pub(crate) fn file_system(path: &Path) -> Option<String> {
    announce(Op::StatPath, Some(path)).ok()?;
    sys::volume::file_system(path)
}

pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    announce(Op::Rename, Some(to))?;
    sys::path::rename(from, to)
}

/// Makes a second name for a file. Fails with `AlreadyExists` if the name
/// exists.
pub(crate) fn link(from: &Path, to: &Path) -> io::Result<()> {
    announce(Op::Link, Some(to))?;
    sys::path::link(from, to)
}

pub(crate) fn unlink(path: &Path) -> io::Result<()> {
    announce(Op::Unlink, Some(path))?;
    sys::path::unlink(path)
}

/// Returns whether the name itself is a directory's, not a symbolic link's to
/// one.
pub(crate) fn is_real_dir(path: &Path) -> io::Result<bool> {
    announce(Op::StatPath, Some(path))?;
    sys::path::is_real_dir(path)
}

/// Removes the file, or the directory with all that is in it, by descriptors. A
/// symbolic link is removed, never followed, even if a program puts one in
/// place meanwhile. Removals by other programs meanwhile do not matter.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    announce(Op::Unlink, Some(path))?;
    absent(sys::path::remove_tree(path)).map(|_| ())
}

/// Removes the files of these names from a directory, by its descriptor. Does
/// nothing if the name is not a directory's itself.
pub(crate) fn unlink_in(dir: &Path, wanted: impl Fn(&OsStr) -> bool) -> io::Result<()> {
    announce(Op::Unlink, Some(dir))?;
    absent(sys::path::unlink_in(dir, &wanted)).map(|_| ())
}

/// Returns whether the file of this name may be removed without a request. It
/// must belong to us, or to the owner of the directory.
pub(crate) fn is_ours_to_remove(path: &Path) -> io::Result<bool> {
    announce(Op::StatPath, Some(path))?;
    sys::meta::is_ours_to_remove(path, parent(path))
}

/// Syncs the directory that holds `path`, so that its name is durable.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    announce(Op::SyncDir, Some(path))?;
    sys::path::sync_name(path, parent(path))
}

/// Lists the names in a directory.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    announce(Op::List, Some(dir))?;
    sys::path::list(dir)
}

/// Lists the names in a directory, and whether each is a directory's. It is
/// `None` for a symbolic link, which needs a look of its own.
pub(crate) fn list_kinds(dir: &Path) -> io::Result<Vec<(std::ffi::OsString, Option<bool>)>> {
    announce(Op::List, Some(dir))?;
    sys::path::list_kinds(dir)
}

/// Makes the directories that `path` needs, and syncs the ones that hold a new
/// name.
pub(crate) fn create_parents(path: &Path, durable: bool) -> io::Result<()> {
    let mut missing = Vec::new();
    let mut dir = parent(path);
    while stat(dir)?.is_none() {
        missing.push(dir);
        dir = parent(dir);
    }
    for dir in missing.into_iter().rev() {
        announce(Op::MakeDir, Some(dir))?;
        match sys::path::make_dir(dir) {
            // Another process made it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => result?,
        }
        if durable {
            sync_parent(dir)?;
        }
    }
    Ok(())
}

/// Returns the path from the root on, without resolving it.
pub(crate) fn absolute(path: &Path) -> io::Result<PathBuf> {
    announce(Op::Resolve, Some(path))?;
    std::path::absolute(path)
}

/// Returns the path with every symbolic link resolved. The path must exist.
pub(crate) fn canonical(path: &Path) -> io::Result<PathBuf> {
    announce(Op::Resolve, Some(path))?;
    sys::path::canonical(path)
}

/// Returns the path with every symbolic link resolved, including the last one.
/// Its target may be missing, but the directory must exist.
pub(crate) fn real_path(path: &Path) -> io::Result<PathBuf> {
    resolved(path, false).map(|real| real.path)
}

/// Does the same, and then what [`stat`] does. Where the path has no link, one walk
/// through its directories serves both.
pub(crate) fn real_path_and_stat(path: &Path) -> io::Result<(PathBuf, Option<Stat>)> {
    let Real { path, seen } = resolved(path, true)?;
    announce(Op::StatPath, Some(&path))?;
    let stat = match seen {
        Some(seen) => seen.map(taken),
        None => absent(sys::path::stat(&path).map(taken))?,
    };
    Ok((path, stat))
}

/// A path without a symbolic link.
pub(in crate::sys) struct Real {
    pub path: PathBuf,
    /// The system's answer, if it was asked of the file. `Some(None)`: the file is missing.
    pub seen: Option<Option<Stat>>,
}

fn resolved(path: &Path, look: bool) -> io::Result<Real> {
    announce(Op::Resolve, Some(path))?;
    let mut path = sys::path::understood(path)?;
    if let Some(real) = sys::path::already_real(&path, look)? {
        return Ok(real);
    }
    let unseen = |path| Real { path, seen: None };
    // Linux follows 40 links, then says ELOOP.
    for _ in 0..40 {
        match sys::path::canonical(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result.map(unseen),
        }
        let Some(name) = path.file_name() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let place = sys::path::canonical(parent(&path))?.join(name);
        match sys::path::read_link(&place)? {
            None => return Ok(unseen(place)),
            // Such a link of `/proc` shows no path for a file without a name.
            Some(target) if leads_past_its_text(&place, &target)? => {
                return Err(super::InTheWay::NoName.into_error());
            }
            Some(target) => path = parent(&place).join(target),
        }
    }
    Err(sys::path::too_many_links())
}

/// Returns whether a link leads to a file although nothing exists where its text
/// leads.
fn leads_past_its_text(place: &Path, target: &Path) -> io::Result<bool> {
    let there = |path: &Path| absent(sys::path::stat(path)).map(|seen| seen.is_some());
    Ok(there(place)? && !there(&parent(place).join(target))?)
}

/// Returns the directory that holds `path`, with every symbolic link resolved.
pub(crate) fn real_parent(path: &Path) -> io::Result<PathBuf> {
    announce(Op::Resolve, Some(path))?;
    sys::path::canonical(parent(path))
}

/// Returns the directory that holds `path`; `.` for a bare name.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if dir.as_os_str().is_empty() => Path::new("."),
        Some(dir) => dir,
        None => path,
    }
}
