//! The system's knowledge of a file.
//!
//! On Linux it comes from `statx`, which can leave the timestamps alone. To ask
//! for them too makes the next write take a new one and dirty the inode, +0.5
//! us (multigrain timestamps, Linux 6.13). The call is missing before Linux
//! 4.11. A sandbox that knows only older calls answers EPERM or ENOSYS. Then
//! `fstat` and `fstatat` report all but the birth.

use std::io;
use std::ops::Deref;
use std::path::Path;

use rustix::fs::{FileType, RawMode};

use super::Handle;
use crate::sys::{FileId, Stat};

/// The known facts of one file, with those that only this folder needs.
pub(super) struct Seen {
    stat: Stat,
    pub uid: u32,
    pub gid: u32,
    /// Microseconds since 1970, if it was asked for and is known.
    pub birth: Option<u64>,
}

impl Deref for Seen {
    type Target = Stat;

    #[inline]
    fn deref(&self) -> &Stat {
        &self.stat
    }
}

/// Describes an open file.
pub(in crate::sys) fn look(file: &Handle) -> io::Result<Stat> {
    Ok(sys::of(file, false)?.stat)
}

/// Describes the file of a name. A symbolic link is not followed.
pub(in crate::sys) fn look_at_name(path: &Path) -> io::Result<Stat> {
    Ok(sys::at(path, false)?.stat)
}

/// Describes the file of a name. Symbolic links are followed.
pub(in crate::sys) fn look_at_target(path: &Path) -> io::Result<Stat> {
    Ok(sys::at(path, true)?.stat)
}

/// Reads all but the birth.
pub(super) fn of(file: &Handle) -> io::Result<Seen> {
    sys::of(file, false)
}

pub(super) fn with_birth(file: &Handle) -> io::Result<Seen> {
    sys::of(file, true)
}

/// Reads a name's file. Follows symbolic links.
pub(super) fn at(path: &Path) -> io::Result<Seen> {
    sys::at(path, true)
}

/// Reads the name itself, even if it is a symbolic link's.
pub(super) fn of_name(path: &Path) -> io::Result<Seen> {
    sys::at(path, false)
}

/// Permission bits; not the file's type, which the system keeps with them.
const PERMISSIONS: u32 = 0o7777;

/// The bits of a mode that say what a file is.
const KIND: RawMode = FileType::from_raw_mode(RawMode::MAX).as_raw_mode();

#[inline(always)]
fn is(kind: FileType, mode: RawMode) -> bool {
    mode & KIND == kind.as_raw_mode()
}

/// Converts the result of the calls that every system has.
fn from_stat(seen: &rustix::fs::Stat) -> Seen {
    #[allow(
        clippy::cast_sign_loss,
        clippy::cast_lossless,
        clippy::unnecessary_cast,
        clippy::useless_conversion,
        reason = "the types differ from system to system"
    )]
    Seen {
        stat: Stat {
            id: FileId {
                device: seen.st_dev as u64,
                inode: seen.st_ino as u64,
            },
            size: seen.st_size as u64,
            is_file: is(FileType::RegularFile, seen.st_mode),
            is_dir: is(FileType::Directory, seen.st_mode),
            is_link: is(FileType::Symlink, seen.st_mode),
            mode: seen.st_mode as u32 & PERMISSIONS,
            links: seen.st_nlink as u64,
            is_mount_root: false,
        },
        uid: seen.st_uid,
        gid: seen.st_gid,
        birth: None,
    }
}

#[cfg_attr(target_os = "linux", cold)]
fn old_of(file: &Handle) -> io::Result<Seen> {
    Ok(from_stat(&rustix::fs::fstat(file)?))
}

#[cfg_attr(target_os = "linux", cold)]
fn old_at(path: &Path, follow: bool) -> io::Result<Seen> {
    let seen = if follow {
        rustix::fs::stat(path)?
    } else {
        rustix::fs::lstat(path)?
    };
    Ok(from_stat(&seen))
}

#[cfg(target_os = "linux")]
mod sys {
    use std::ffi::{CStr, CString, c_int};
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::{AsRawFd, RawFd};
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::{FileId, Handle, PERMISSIONS, Seen, Stat, is, old_at, old_of};
    use rustix::fs::{FileType, RawMode, Statx, StatxAttributes, StatxFlags};

    /// Whether `statx` was refused once while the older call was not.
    static WITHOUT: AtomicBool = AtomicBool::new(false);

    const ASKED: StatxFlags = StatxFlags::TYPE
        .union(StatxFlags::MODE)
        .union(StatxFlags::NLINK)
        .union(StatxFlags::UID)
        .union(StatxFlags::GID)
        .union(StatxFlags::INO)
        .union(StatxFlags::SIZE);

    #[inline(always)]
    pub(super) fn of(file: &Handle, birth: bool) -> io::Result<Seen> {
        if WITHOUT.load(Ordering::Relaxed) {
            return old_of(file);
        }
        ask(file.as_raw_fd(), c"", libc::AT_EMPTY_PATH, birth)
            .or_else(|error| or_older(error, || old_of(file)))
    }

    #[inline(always)]
    pub(super) fn at(path: &Path, follow: bool) -> io::Result<Seen> {
        if WITHOUT.load(Ordering::Relaxed) {
            return old_at(path, follow);
        }
        let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        terminated(path, |name| ask(libc::AT_FDCWD, name, flags, false))
            .or_else(|error| or_older(error, || old_at(path, follow)))
    }

    /// Not the call of rustix: it copies the 256 bytes of the answer twice, and each append
    /// asks three times. Inlined, since the fields that a caller does not need would be copied
    /// too.
    #[inline(always)]
    fn ask(dir: RawFd, name: &CStr, flags: c_int, birth: bool) -> io::Result<Seen> {
        let mask = if birth {
            ASKED.union(StatxFlags::BTIME)
        } else {
            ASKED
        };
        let mut seen = MaybeUninit::<Statx>::uninit();
        // SAFETY: the system reads the name up to its NUL, and fills in what has the layout of
        // its answer.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_statx,
                dir,
                name.as_ptr(),
                flags,
                mask.bits(),
                seen.as_mut_ptr(),
            )
        };
        if answer != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the system has filled it in.
        Ok(from_statx(unsafe { seen.assume_init_ref() }, birth))
    }

    /// Most paths are copied to the stack, to get a NUL at their end.
    #[inline(always)]
    fn terminated<T>(path: &Path, call: impl FnOnce(&CStr) -> io::Result<T>) -> io::Result<T> {
        const ROOM: usize = 256;
        let path = path.as_os_str().as_bytes();
        let mut room = MaybeUninit::<[u8; ROOM]>::uninit();
        let copied = (path.len() < ROOM).then(|| {
            let start = room.as_mut_ptr().cast::<u8>();
            // SAFETY: there is room for the path and a NUL.
            unsafe {
                start.copy_from_nonoverlapping(path.as_ptr(), path.len());
                start.add(path.len()).write(0);
                CStr::from_ptr(start.cast())
            }
        });
        let long;
        let name = match copied {
            // Else the path itself has a NUL.
            Some(copied) if copied.count_bytes() == path.len() => copied,
            _ => {
                long = CString::new(path)?;
                &*long
            }
        };
        call(name)
    }

    /// Asks again with the older call, if it may be that only `statx` was refused.
    #[cold]
    fn or_older(error: io::Error, older: impl FnOnce() -> io::Result<Seen>) -> io::Result<Seen> {
        if !matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) {
            return Err(error);
        }
        let seen = older()?;
        WITHOUT.store(true, Ordering::Relaxed);
        Ok(seen)
    }

    #[inline(always)]
    fn from_statx(seen: &Statx, birth: bool) -> Seen {
        let mode = RawMode::from(seen.stx_mode);
        Seen {
            stat: Stat {
                id: FileId {
                    device: rustix::fs::makedev(seen.stx_dev_major, seen.stx_dev_minor),
                    inode: seen.stx_ino,
                },
                size: seen.stx_size,
                is_file: is(FileType::RegularFile, mode),
                is_dir: is(FileType::Directory, mode),
                is_link: is(FileType::Symlink, mode),
                mode: mode & PERMISSIONS,
                links: u64::from(seen.stx_nlink),
                // Reported since Linux 5.8.
                is_mount_root: seen.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
            },
            uid: seen.stx_uid,
            gid: seen.stx_gid,
            birth: birth.then(|| born(seen)).flatten(),
        }
    }

    fn born(seen: &Statx) -> Option<u64> {
        if seen.stx_mask & StatxFlags::BTIME.bits() == 0 {
            return None;
        }
        let seconds = u64::try_from(seen.stx_btime.tv_sec).ok()?;
        Some(seconds * 1_000_000 + u64::from(seen.stx_btime.tv_nsec) / 1_000)
    }
}

#[cfg(not(target_os = "linux"))]
mod sys {
    use std::io;
    use std::path::Path;

    use super::{Handle, Seen, old_at, old_of};

    pub(super) fn of(file: &Handle, birth: bool) -> io::Result<Seen> {
        let mut seen = old_of(file)?;
        if birth {
            seen.birth = file.metadata()?.created().ok().and_then(|at| {
                let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
                u64::try_from(since.as_micros()).ok()
            });
        }
        Ok(seen)
    }

    pub(super) fn at(path: &Path, follow: bool) -> io::Result<Seen> {
        old_at(path, follow)
    }
}

#[cfg(test)]
mod tests {
    use super::{look_at_name, look_at_target};
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    #[test]
    fn each_kind_of_file_is_known_by_a_path_of_any_length() {
        let dir = tempfile::tempdir().unwrap();
        for length in [1, 100, 200, 250] {
            let deep = dir.path().join("d".repeat(length)).join("e".repeat(length));
            fs::create_dir_all(&deep).unwrap();
            let (file, link) = (deep.join("file"), deep.join("link"));
            fs::write(&file, "12345").unwrap();
            symlink("file", &link).unwrap();
            assert!(look_at_name(&deep).unwrap().is_dir);
            let seen = look_at_name(&file).unwrap();
            assert!(seen.is_file && seen.size == 5);
            assert!(look_at_name(&link).unwrap().is_link);
            assert!(look_at_target(&link).unwrap().id == seen.id);
            let missing = look_at_name(&deep.join("missing")).unwrap_err();
            assert_eq!(missing.kind(), ErrorKind::NotFound);
        }
    }

    #[test]
    fn a_path_with_a_nul_is_no_other_path() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let error = look_at_name(&dir.path().join("file\0")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(look_at_name(Path::new("\0")).is_err());
    }
}
