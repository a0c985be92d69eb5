//! Calls on descriptors.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::Handle;
use crate::fs::{Access, FileId};

/// For names that others can plant in a shared directory: no symbolic link is
/// followed, and neither a FIFO nor a file lease (man 2 open) makes us wait.
const PLANTED: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK;

fn options(access: Access) -> OpenOptions {
    let mut options = OpenOptions::new();
    // std opens everything O_CLOEXEC: a program that is started meanwhile
    // must not inherit a lock (it would keep it).
    options.read(true);
    match access {
        Access::Read => {}
        Access::Append => {
            options.append(true);
        }
        Access::Write => {
            options.write(true);
        }
        // NFS emulates flock by byte-range locks, and an exclusive one needs a
        // writable descriptor there (man 2 flock).
        Access::LockFile => {
            options.write(true).custom_flags(PLANTED);
        }
        Access::InPlace => {
            options.append(true).custom_flags(PLANTED);
        }
        Access::LockFileRead => {
            options.custom_flags(PLANTED);
        }
    }
    options
}

pub(in crate::fs) fn open(path: &Path, access: Access) -> io::Result<Handle> {
    options(access).open(path)
}

pub(in crate::fs) fn create_new(
    path: &Path,
    access: Access,
    mode: Option<u32>,
) -> io::Result<Handle> {
    let mut options = options(access);
    options.create_new(true);
    let Some(mode) = mode else {
        return options.open(path);
    };
    // Narrow first: between open and fchmod nobody may read a secret.
    let file = options.mode(mode & 0o600).open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    Ok(file)
}

pub(in crate::fs) fn read_at(file: &Handle, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

#[inline]
pub(in crate::fs) fn write(file: &Handle, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::write(file, bytes)?)
}

pub(in crate::fs) fn write_at(file: &Handle, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(bytes, offset)
}

/// Whether writes go to the end wherever they are aimed.
pub(in crate::fs) fn set_append(file: &Handle, append: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(file)?;
    flags.set(rustix::fs::OFlags::APPEND, append);
    Ok(rustix::fs::fcntl_setfl(file, flags)?)
}

pub(in crate::fs) fn set_len(file: &Handle, len: u64) -> io::Result<()> {
    Ok(rustix::fs::ftruncate(file, len)?)
}

/// std uses `F_FULLFSYNC` on Apple systems, where a plain fsync leaves the
/// bytes in the drive's cache.
pub(in crate::fs) fn sync_data(file: &Handle) -> io::Result<()> {
    file.sync_data()
}

pub(in crate::fs) fn sync_all(file: &Handle) -> io::Result<()> {
    file.sync_all()
}

pub(in crate::fs) fn offset(file: &Handle) -> io::Result<u64> {
    Ok(rustix::fs::tell(file)?)
}

#[cfg(target_os = "linux")]
pub(in crate::fs) fn id(file: &Handle) -> io::Result<FileId> {
    use rustix::fs::{AtFlags, StatxFlags, statx};

    let seen = statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::INO)?;
    Ok(FileId {
        device: rustix::fs::makedev(seen.stx_dev_major, seen.stx_dev_minor),
        inode: seen.stx_ino,
    })
}

#[cfg(not(target_os = "linux"))]
pub(in crate::fs) fn id(file: &Handle) -> io::Result<FileId> {
    use std::os::unix::fs::MetadataExt;

    let seen = file.metadata()?;
    Ok(FileId {
        device: seen.dev(),
        inode: seen.ino(),
    })
}

pub(in crate::fs) fn size(file: &Handle) -> io::Result<u64> {
    links_and_size(file).map(|(_, size)| size)
}

#[cfg(target_os = "linux")]
#[inline]
pub(in crate::fs) fn links_and_size(file: &Handle) -> io::Result<(u64, u64)> {
    use rustix::fs::{AtFlags, StatxFlags, statx};

    // Asking for the times as well makes the next write take a new timestamp
    // and dirty the inode: +0.5 us (multigrain timestamps, Linux 6.13).
    let seen = statx(
        file,
        c"",
        AtFlags::EMPTY_PATH,
        StatxFlags::NLINK | StatxFlags::SIZE,
    )?;
    Ok((u64::from(seen.stx_nlink), seen.stx_size))
}

#[cfg(not(target_os = "linux"))]
pub(in crate::fs) fn links_and_size(file: &Handle) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    let seen = file.metadata()?;
    Ok((seen.nlink(), seen.size()))
}

/// The clock that stamps files ticks only every few milliseconds, and a file
/// that is deleted and made anew within a tick often has its inode number too.
/// So the last twelve bits, which the tick leaves without meaning, are those of
/// the inode's version, which file systems draw anew for each file; where there
/// is none, of its number, which tmpfs does not use again.
#[cfg(target_os = "linux")]
pub(in crate::fs) fn birth(file: &Handle) -> io::Result<Option<u64>> {
    use rustix::fs::{AtFlags, StatxFlags, statx};

    const TICK: u64 = 0xfff;
    let flags = StatxFlags::BTIME | StatxFlags::INO;
    let seen = statx(file, c"", AtFlags::EMPTY_PATH, flags)?;
    let born = super::path::microseconds(&seen);
    let version = inode_version(file).map_or(seen.stx_ino, u64::from);
    Ok(born.map(|born| born & !TICK | version & TICK))
}

/// `None` where the file system has none (tmpfs, NFS).
#[cfg(target_os = "linux")]
fn inode_version(file: &Handle) -> Option<u32> {
    use std::os::fd::AsRawFd;

    // Declared as a long, written as an int (fs/ext4/ioctl.c and others).
    let mut version: u32 = 0;
    // SAFETY: writes four bytes to `version`, or nothing.
    let done = unsafe { libc::ioctl(file.as_raw_fd(), libc::FS_IOC_GETVERSION, &raw mut version) };
    (done == 0).then_some(version)
}

#[cfg(not(target_os = "linux"))]
pub(in crate::fs) fn birth(file: &Handle) -> io::Result<Option<u64>> {
    let created = file.metadata()?.created().ok();
    Ok(created.and_then(|at| {
        let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
        u64::try_from(since.as_micros()).ok()
    }))
}

pub(in crate::fs) fn modified(file: &Handle) -> io::Result<u64> {
    let since = file
        .metadata()?
        .modified()?
        .duration_since(std::time::UNIX_EPOCH);
    Ok(since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }))
}

/// UTIME_NOW is by the clock of the file system: on NFS the server's.
pub(in crate::fs) fn touch(file: &Handle) -> io::Result<()> {
    let now = rustix::fs::Timespec {
        tv_sec: 0,
        tv_nsec: rustix::fs::UTIME_NOW as _,
    };
    let both = rustix::fs::Timestamps {
        last_access: now,
        last_modification: now,
    };
    Ok(rustix::fs::futimens(file, &both)?)
}
