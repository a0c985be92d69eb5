//! Opens and creates files.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{Handle, stat};
use crate::sys::{Access, InTheWay, Known, Role, Stat};

/// No symbolic link is followed. Neither a FIFO nor a file lease (man 2 open)
/// makes us wait, and a terminal does not become ours.
const FLAGS: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;

fn options(access: Access) -> OpenOptions {
    let mut options = OpenOptions::new();
    // std opens everything O_CLOEXEC. A program that is started meanwhile must
    // not inherit a lock (it would keep it).
    options.read(true).custom_flags(FLAGS);
    match access {
        Access::Read => {}
        Access::Append => {
            options.append(true);
        }
        // NFS emulates flock by byte-range locks, and an exclusive one needs a
        // writable descriptor there (man 2 flock).
        Access::Write => {
            options.write(true);
        }
    }
    options
}

/// Opens a file, and returns what is then known of it.
pub(in crate::sys) fn open(
    path: &Path,
    access: Access,
    _: Role,
) -> io::Result<(Handle, Option<Known>)> {
    let file = options(access).open(path).map_err(what_is_there)?;
    // A directory can be opened for reading, and a FIFO or a device for
    // writing.
    let seen = stat::look(&file)?;
    if !seen.is_file {
        return Err(InTheWay::NoRegularFile.into_error());
    }
    let known = Known {
        id: seen.id,
        others_may_write: seen.mode & 0o022 != 0,
    };
    Ok((file, Some(known)))
}

/// Does the same, and returns what `identify` does, by the same look.
pub(in crate::sys) fn open_identified(
    path: &Path,
    access: Access,
    _: Role,
) -> io::Result<(Handle, Stat, Option<u64>)> {
    let file = options(access).open(path).map_err(what_is_there)?;
    let seen = stat::with_birth(&file)?;
    if !seen.is_file {
        return Err(InTheWay::NoRegularFile.into_error());
    }
    let (stat, birth) = super::file::identified(&file, &seen);
    Ok((file, stat, birth))
}

/// Maps the error of O_NOFOLLOW: it is ELOOP, but EMLINK on FreeBSD.
fn what_is_there(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::ELOOP | libc::EMLINK) => InTheWay::Link.into_error(),
        // A socket; a FIFO or a device without a peer.
        Some(libc::EISDIR | libc::ENXIO | libc::ENODEV) => InTheWay::NoRegularFile.into_error(),
        // A socket, as macOS and FreeBSD answer (man 2 open there).
        Some(libc::EOPNOTSUPP) if cfg!(not(target_os = "linux")) => {
            InTheWay::NoRegularFile.into_error()
        }
        _ => error,
    }
}

pub(in crate::sys) fn create_new(
    path: &Path,
    access: Access,
    mode: Option<u32>,
    _: Role,
) -> io::Result<Handle> {
    let mut options = options(access);
    options.create_new(true);
    if let Some(mode) = mode {
        options.mode(mode);
    }
    options.open(path)
}

/// Creates a file in this directory that has no name yet.
#[cfg(target_os = "linux")]
pub(in crate::sys) fn create_unnamed(dir: &Path) -> io::Result<Handle> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .mode(0o600)
        .custom_flags(libc::O_TMPFILE)
        .open(dir)
}

/// Gives the file a name by its descriptor, as man 2 open shows it: the other
/// way takes a privilege.
#[cfg(target_os = "linux")]
pub(in crate::sys) fn give_name(file: &Handle, path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD, linkat};

    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, own, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
pub(in crate::sys) fn create_unnamed(_: &Path) -> io::Result<Handle> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
pub(in crate::sys) fn give_name(_: &Handle, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(in crate::sys) fn create_private(path: &Path, access: Access, mode: u32) -> io::Result<Handle> {
    options(access).create_new(true).mode(mode).open(path)
}
