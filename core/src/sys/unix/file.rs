//! Calls on descriptors.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::{Handle, stat};
use crate::sys::{Access, FileId, InTheWay, Known, Role, Stat};

/// No symbolic link is followed. Neither a FIFO nor a file lease (man 2 open)
/// makes us wait, and a terminal does not become ours.
const FLAGS: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;

/// Whether a number that the program closes goes to the next file.
pub(in crate::sys) const NUMBERS_COME_AGAIN: bool = true;

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
    let seen = stat::of(&file)?;
    if !seen.is_file() {
        return Err(InTheWay::NoRegularFile.into_error());
    }
    let known = Known {
        id: seen.id,
        others_may_write: seen.mode & 0o022 != 0,
    };
    Ok((file, Some(known)))
}

/// Maps the error of O_NOFOLLOW: it is ELOOP, but EMLINK on FreeBSD.
fn what_is_there(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::ELOOP | libc::EMLINK) => InTheWay::Link.into_error(),
        // A socket; a FIFO or a device without a peer.
        Some(libc::EISDIR | libc::ENXIO | libc::ENODEV) => InTheWay::NoRegularFile.into_error(),
        _ => error,
    }
}

/// All files have the same role here.
pub(in crate::sys) fn role(_: &Handle) -> Role {
    Role::Data
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

pub(in crate::sys) fn read_at(file: &Handle, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

#[cfg(target_os = "linux")]
pub(in crate::sys) fn next_data(file: &Handle, offset: u64) -> io::Result<u64> {
    use rustix::fs::{SeekFrom, seek};
    use rustix::io::Errno;

    match seek(file, SeekFrom::Data(offset)) {
        Ok(at) => Ok(at),
        // Only a hole follows, or the offset is after the end.
        Err(Errno::NXIO) => Ok(size(file)?.max(offset)),
        // A file system that does not support holes.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(offset),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
pub(in crate::sys) fn next_data(_: &Handle, offset: u64) -> io::Result<u64> {
    Ok(offset)
}

#[inline]
pub(in crate::sys) fn write(file: &Handle, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::write(file, bytes)?)
}

pub(in crate::sys) fn write_at(file: &Handle, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(bytes, offset)
}

/// Lets a program that takes this process's place keep the descriptor.
pub(in crate::sys) fn keep_in_programs(file: &Handle) -> io::Result<()> {
    Ok(rustix::io::fcntl_setfd(file, rustix::io::FdFlags::empty())?)
}

/// Sets whether writes go to the end, at any offset.
pub(in crate::sys) fn set_append(file: &Handle, append: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(file)?;
    flags.set(rustix::fs::OFlags::APPEND, append);
    Ok(rustix::fs::fcntl_setfl(file, flags)?)
}

pub(in crate::sys) fn set_len(file: &Handle, len: u64) -> io::Result<()> {
    Ok(rustix::fs::ftruncate(file, len)?)
}

/// Syncs the data. std uses `F_FULLFSYNC` on Apple systems, where a plain fsync
/// leaves the bytes in the drive's cache.
pub(in crate::sys) fn sync_data(file: &Handle) -> io::Result<()> {
    file.sync_data()
}

pub(in crate::sys) fn sync_all(file: &Handle) -> io::Result<()> {
    file.sync_all()
}

pub(in crate::sys) fn offset(file: &Handle) -> io::Result<u64> {
    Ok(rustix::fs::tell(file)?)
}

pub(in crate::sys) fn id(file: &Handle) -> io::Result<FileId> {
    Ok(stat::of(file)?.id)
}

pub(in crate::sys) fn size(file: &Handle) -> io::Result<u64> {
    links_and_size(file).map(|(_, size)| size)
}

/// Returns the time in ticks: it changes every 1 to 10 ms. To read it is no system call.
#[cfg(target_os = "linux")]
#[inline]
pub(in crate::sys) fn tick() -> Option<u64> {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // By libc: under valgrind rustix finds no vDSO, and ends the process.
    // SAFETY: writes to `now` only.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut now) };
    #[allow(
        clippy::useless_conversion,
        reason = "the types differ from system to system"
    )]
    let ticks = i64::from(now.tv_sec) * 1_000_000_000 + i64::from(now.tv_nsec);
    (done == 0).then(|| ticks.cast_unsigned())
}

/// Returns none: names are looked at each time.
#[cfg(not(target_os = "linux"))]
pub(in crate::sys) fn tick() -> Option<u64> {
    None
}

#[inline]
pub(in crate::sys) fn look(file: &Handle) -> io::Result<Stat> {
    stat::of(file).map(Stat::from)
}

#[inline]
pub(in crate::sys) fn links_and_size(file: &Handle) -> io::Result<(u64, u64)> {
    let seen = stat::of(file)?;
    Ok((seen.links, seen.size))
}

/// Returns what the system says of the file, and its birth time. The clock that stamps
/// files ticks only every few milliseconds. A file that is deleted and made again within a tick often has
/// the same inode number too. So the last twelve bits, which the tick leaves
/// without meaning, are those of the inode's version. File systems draw that
/// for each new file. Without a version they are those of the inode's number,
/// which tmpfs does not use again.
#[cfg(target_os = "linux")]
pub(in crate::sys) fn identify(file: &Handle) -> io::Result<(Stat, Option<u64>)> {
    const TICK: u64 = 0xfff;
    let seen = stat::with_birth(file)?;
    let version = inode_version(file).map_or(seen.id.inode, u64::from);
    let birth = seen.birth.map(|born| born & !TICK | version & TICK);
    Ok((seen.into(), birth))
}

/// Returns the inode's version; `None` if the file system has none (tmpfs,
/// NFS).
#[cfg(target_os = "linux")]
fn inode_version(file: &Handle) -> Option<u32> {
    use std::os::fd::AsRawFd;

    // The constant declares a long, but the kernel writes an int
    // (fs/ext4/ioctl.c and others).
    let mut version: u32 = 0;
    // SAFETY: writes four bytes to `version`, or nothing.
    let done = unsafe { libc::ioctl(file.as_raw_fd(), libc::FS_IOC_GETVERSION, &raw mut version) };
    (done == 0).then_some(version)
}

#[cfg(not(target_os = "linux"))]
pub(in crate::sys) fn identify(file: &Handle) -> io::Result<(Stat, Option<u64>)> {
    let seen = stat::with_birth(file)?;
    let birth = seen.birth;
    Ok((seen.into(), birth))
}

pub(in crate::sys) fn modified(file: &Handle) -> io::Result<u64> {
    let since = file
        .metadata()?
        .modified()?
        .duration_since(std::time::UNIX_EPOCH);
    Ok(since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }))
}

/// Sets the file's times. UTIME_NOW is by the clock of the file system: on NFS
/// the server's.
pub(in crate::sys) fn touch(file: &Handle) -> io::Result<()> {
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
