//! Calls on descriptors.

use std::io;
use std::os::unix::fs::FileExt;

use super::{Handle, stat};
use crate::sys::{FileId, Role, Stat};

pub(in crate::sys) use super::opening::{
    create_new, create_private, create_unnamed, give_name, open, open_identified,
};
pub(in crate::sys) use super::stat::look;

/// Whether a number that the program closes goes to the next file.
pub(in crate::sys) const NUMBERS_COME_AGAIN: bool = true;

/// All files have the same role here.
pub(in crate::sys) fn role(_: &Handle) -> Role {
    Role::Data
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
    as_far_as_it_goes(file.sync_data(), file)
}

pub(in crate::sys) fn sync_all(file: &Handle) -> io::Result<()> {
    as_far_as_it_goes(file.sync_all(), file)
}

fn as_far_as_it_goes(full: io::Result<()>, file: &Handle) -> io::Result<()> {
    if cfg!(target_vendor = "apple") {
        or_plain(full, || Ok(rustix::fs::fsync(file)?))
    } else {
        full
    }
}

/// Makes the plain sync if the file system does not know the full one. man 2 fcntl on macOS
/// names those that do. SMB and NFS answer ENOTSUP, macFUSE EINVAL, others ENOTTY.
fn or_plain(full: io::Result<()>, plain: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let unknown = [libc::ENOTSUP, libc::EOPNOTSUPP, libc::EINVAL, libc::ENOTTY];
    match full.as_ref().map_err(io::Error::raw_os_error) {
        Err(Some(code)) if unknown.contains(&code) => plain(),
        _ => full,
    }
}

pub(in crate::sys) fn offset(file: &Handle) -> io::Result<u64> {
    Ok(rustix::fs::tell(file)?)
}

#[inline]
pub(in crate::sys) fn id(file: &Handle) -> io::Result<FileId> {
    Ok(look(file)?.id)
}

pub(in crate::sys) fn size(file: &Handle) -> io::Result<u64> {
    Ok(look(file)?.size)
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

pub(in crate::sys) fn links_and_size(file: &Handle) -> io::Result<(u64, u64)> {
    let seen = look(file)?;
    Ok((seen.links, seen.size))
}

/// Returns what the system says of the file, and its birth time. The clock that stamps
/// files ticks only every few milliseconds. A file that is deleted and made again within
/// a tick often has the same inode number too. So the last twelve bits, which the tick
/// leaves without meaning, are those of the inode's version. File systems draw that for
/// each new file. Without a version they are those of the inode's number, which tmpfs
/// does not use again.
#[cfg(target_os = "linux")]
pub(in crate::sys) fn identify(file: &Handle) -> io::Result<(Stat, Option<u64>)> {
    Ok(identified(file, &stat::with_birth(file)?))
}

#[cfg(target_os = "linux")]
pub(super) fn identified(file: &Handle, seen: &stat::Seen) -> (Stat, Option<u64>) {
    const TICK: u64 = 0xfff;
    let version = inode_version(file).map_or(seen.id.inode, u64::from);
    let birth = seen.birth.map(|born| born & !TICK | version & TICK);
    (**seen, birth)
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
    Ok(identified(file, &stat::with_birth(file)?))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn identified(_: &Handle, seen: &stat::Seen) -> (Stat, Option<u64>) {
    (**seen, seen.birth)
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

/// flock through `fs4`, by trait path: std has inherent methods of the same
/// names that would shadow it.
#[cfg(not(untorn_interleaved))]
pub(super) mod flock {
    use std::io;

    use fs4::{FileExt, TryLockError};

    use super::Handle;

    #[inline]
    pub(in crate::sys) fn try_lock(file: &Handle, shared: bool) -> io::Result<bool> {
        let tried = if shared {
            <Handle as FileExt>::try_lock_shared(file)
        } else {
            <Handle as FileExt>::try_lock(file)
        };
        match tried {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    pub(in crate::sys) fn lock(file: &Handle, shared: bool) -> io::Result<()> {
        if shared {
            <Handle as FileExt>::lock_shared(file)
        } else {
            <Handle as FileExt>::lock(file)
        }
    }

    #[inline]
    pub(in crate::sys) fn unlock(file: &Handle) -> io::Result<()> {
        <Handle as FileExt>::unlock(file)
    }
}

/// Whether a descriptor's number still belongs to its opener.
///
/// A program can close a library's file, and the number goes to the next file
/// that is opened. If the library opens the same file once more, only this
/// count distinguishes the two.
pub(in crate::sys) mod number {
    use std::os::fd::AsRawFd;
    use std::ptr;
    use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

    use super::Handle;

    const CHUNK: usize = 1024;
    const CHUNKS: usize = 1024;

    type Chunk = [AtomicU32; CHUNK];

    /// How often the library received each number. (Higher numbers are not
    /// counted.) A chunk is made once, and never freed. All zeros, this takes no room in
    /// the library's file.
    static GIVEN: [AtomicPtr<Chunk>; CHUNKS] = [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS];

    #[inline]
    fn given(file: &Handle) -> Option<&'static AtomicU32> {
        let number = usize::try_from(file.as_raw_fd()).ok()?;
        let place = GIVEN.get(number / CHUNK)?;
        let mut chunk = place.load(Ordering::Acquire);
        if chunk.is_null() {
            chunk = made(place);
        }
        // SAFETY: it is no null pointer, and no chunk is ever freed.
        unsafe { (*chunk).get(number % CHUNK) }
    }

    /// Makes a chunk, unless another thread is faster.
    #[cold]
    fn made(place: &AtomicPtr<Chunk>) -> *mut Chunk {
        let chunk = Box::into_raw(Box::new([const { AtomicU32::new(0) }; CHUNK]));
        let none = ptr::null_mut();
        match place.compare_exchange(none, chunk, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => chunk,
            Err(there) => {
                // SAFETY: made above, and no other thread has it.
                drop(unsafe { Box::from_raw(chunk) });
                there
            }
        }
    }

    /// Counts a file that was just opened.
    #[inline]
    pub(in crate::sys) fn take(file: &Handle) -> u32 {
        given(file).map_or(0, |given| {
            given.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
        })
    }

    /// Returns whether the library has not received the number again since that
    /// count.
    #[inline]
    pub(in crate::sys) fn is_last(file: &Handle, count: u32) -> bool {
        given(file).is_none_or(|given| given.load(Ordering::Relaxed) == count)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::or_plain;

    #[test]
    fn a_file_system_without_the_full_sync_gets_the_plain_one() {
        for code in [libc::ENOTSUP, libc::EINVAL, libc::ENOTTY] {
            let mut plain = 0;
            let refused = Err(io::Error::from_raw_os_error(code));
            let result = or_plain(refused, || {
                plain += 1;
                Err(io::ErrorKind::StorageFull.into())
            });
            assert_eq!(plain, 1, "{code}");
            let error = result.expect_err("what the plain one says");
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
    }

    #[test]
    fn a_sync_that_failed_stays_failed() {
        let lost = Err(io::Error::from_raw_os_error(libc::EIO));
        let result = or_plain(lost, || unreachable!("it would report success"));
        assert_eq!(result.expect_err("lost").raw_os_error(), Some(libc::EIO));
        assert!(or_plain(Ok(()), || unreachable!("it is on the disk")).is_ok());
    }
}
