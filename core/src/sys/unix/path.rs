//! Calls on names.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub(in crate::sys) use super::stat::{look_at_name as look, look_at_target as stat};
use crate::sys::path::Real;

pub(in crate::sys) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

pub(in crate::sys) fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)
}

pub(in crate::sys) fn unlink(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

pub(in crate::sys) fn make_dir(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Removes a directory with its content. std opens each directory below the one
/// before it, without following a link.
pub(in crate::sys) fn remove_tree(path: &Path) -> io::Result<()> {
    if look(path)?.is_dir {
        fs::remove_dir_all(path)
    } else {
        unlink(path)
    }
}

pub(in crate::sys) fn unlink_in(dir: &Path, wanted: &dyn Fn(&OsStr) -> bool) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, unlinkat};
    use rustix::io::Errno;

    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = match openat(CWD, dir, flags, Mode::empty()) {
        Err(Errno::NOTDIR | Errno::LOOP) => return Ok(()),
        result => result?,
    };
    for entry in Dir::read_from(&dir)? {
        let entry = entry?;
        if !wanted(OsStr::from_bytes(entry.file_name().to_bytes())) {
            continue;
        }
        match unlinkat(&dir, entry.file_name(), AtFlags::empty()) {
            // A directory; POSIX says EPERM, Linux EISDIR.
            Ok(()) | Err(Errno::NOENT | Errno::ISDIR) => {}
            Err(Errno::PERM) if is_dir_in(&dir, entry.file_name()) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn is_dir_in(dir: &std::os::fd::OwnedFd, name: &std::ffi::CStr) -> bool {
    let seen = rustix::fs::statat(dir, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
    seen.is_ok_and(|seen| {
        rustix::fs::FileType::from_raw_mode(seen.st_mode) == rustix::fs::FileType::Directory
    })
}

/// Returns whether the name itself is a directory's, not a symbolic link's to
/// one.
pub(in crate::sys) fn is_real_dir(path: &Path) -> io::Result<bool> {
    Ok(look(path)?.is_dir)
}

/// Syncs the directory, as a file is synced.
pub(in crate::sys) fn sync_name(_: &Path, dir: &Path) -> io::Result<()> {
    super::file::sync_all(&fs::File::open(dir)?)
}

pub(in crate::sys) fn list(dir: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(dir)?
        .map(|entry| Ok(entry?.file_name()))
        .collect()
}

/// Lists the names and kinds. The system reports the kinds with the names. A store may have
/// 100,000 sessions, so no entry takes more memory than its name.
#[cfg(target_os = "linux")]
pub(in crate::sys) fn list_kinds(dir: &Path) -> io::Result<Vec<(OsString, Option<bool>)>> {
    use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, openat, statat};
    use rustix::io::Errno;

    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = openat(CWD, dir, flags, Mode::empty())?;
    let mut buffer = Vec::with_capacity(1 << 16);
    let mut entries = RawDir::new(&dir, buffer.spare_capacity_mut());
    let mut listed = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            // The directory was removed meanwhile.
            Err(Errno::NOENT) => break,
            entry => entry?,
        };
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            // This file system keeps no kinds with the names.
            FileType::Unknown => match statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => continue,
                seen => FileType::from_raw_mode(seen?.st_mode),
            },
            kind => kind,
        };
        let is_dir = (kind != FileType::Symlink).then_some(kind == FileType::Directory);
        listed.push((OsStr::from_bytes(name.to_bytes()).to_owned(), is_dir));
    }
    Ok(listed)
}

/// Does the same where only std can.
#[cfg(not(target_os = "linux"))]
pub(in crate::sys) fn list_kinds(dir: &Path) -> io::Result<Vec<(OsString, Option<bool>)>> {
    fs::read_dir(dir)?
        .map(|entry| {
            let entry = entry?;
            let kind = entry.file_type()?;
            Ok((
                entry.file_name(),
                (!kind.is_symlink()).then(|| kind.is_dir()),
            ))
        })
        .collect()
}

/// Returns the path unchanged: every name here is a file's.
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
pub(in crate::sys) fn understood(path: &Path) -> io::Result<PathBuf> {
    Ok(path.to_owned())
}

pub(in crate::sys) fn canonical(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

/// Returns the path from the root on, if it holds no symbolic link and no `..`.
/// This takes a few calls, where a look at each name takes one call for each.
/// The file itself may be missing, but its directory must exist. `None`: look at
/// each name. `look`: look at the file too.
#[cfg(target_os = "linux")]
pub(in crate::sys) fn already_real(path: &Path, look: bool) -> io::Result<Option<Real>> {
    use std::path::Component;

    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::Errno;

    let plain = |part| !matches!(part, Component::ParentDir | Component::Prefix(_));
    if path.as_os_str().is_empty() || !path.components().all(plain) {
        return Ok(None);
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let no_links = ResolveFlags::NO_SYMLINKS;
    let seen = match openat2(CWD, path, flags, Mode::empty(), no_links) {
        // By the descriptor: that takes no second walk through the directories.
        Ok(found) if look => Some(Some(super::stat::look(&fs::File::from(found))?)),
        Ok(_) => None,
        // Either the file or its directory is missing.
        Err(Errno::NOENT) => match fs::metadata(crate::sys::path::parent(path)) {
            Ok(seen) if seen.is_dir() => Some(None),
            _ => return Ok(None),
        },
        // A link, even a dangling one, says ELOOP. The call is missing before Linux 5.6 and
        // in some containers.
        Err(_) => return Ok(None),
    };
    // Without the dots, as `canonicalize` returns it.
    let from_root = if path.is_absolute() {
        PathBuf::from("/")
    } else {
        std::env::current_dir()?
    };
    let names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    // Room for all of it: one allocation, where each join would take one.
    let mut real = from_root;
    real.reserve(path.as_os_str().len() + 1);
    real.extend(names);
    Ok(Some(Real { path: real, seen }))
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
pub(in crate::sys) fn already_real(_: &Path, _: bool) -> io::Result<Option<Real>> {
    Ok(None)
}

/// Returns the target of the symbolic link; `None` if it is not a link, or
/// missing.
pub(in crate::sys) fn read_link(path: &Path) -> io::Result<Option<PathBuf>> {
    match fs::read_link(path) {
        Ok(target) => Ok(Some(target)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // It is not a link: a file has taken the name since the look.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(in crate::sys) fn too_many_links() -> io::Error {
    io::Error::from_raw_os_error(libc::ELOOP)
}
