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

use rustix::fs::FileType;

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
#[inline]
pub(in crate::sys) fn look(file: &Handle) -> io::Result<Stat> {
    Ok(sys::of(file, false)?.stat)
}

/// Describes the file of a name. A symbolic link is not followed.
#[inline]
pub(in crate::sys) fn look_at_name(path: &Path) -> io::Result<Stat> {
    Ok(sys::at(path, false)?.stat)
}

/// Describes the file of a name. Symbolic links are followed.
#[inline]
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

/// Converts the result of the calls that every system has.
fn from_stat(seen: &rustix::fs::Stat) -> Seen {
    let kind = FileType::from_raw_mode(seen.st_mode);
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
            is_file: kind == FileType::RegularFile,
            is_dir: kind == FileType::Directory,
            is_link: kind == FileType::Symlink,
            mode: seen.st_mode as u32 & PERMISSIONS,
            links: seen.st_nlink as u64,
            is_mount_root: false,
        },
        uid: seen.st_uid,
        gid: seen.st_gid,
        birth: None,
    }
}

fn old_of(file: &Handle) -> io::Result<Seen> {
    Ok(from_stat(&rustix::fs::fstat(file)?))
}

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
    use std::io;
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::fs::{AtFlags, CWD, FileType, Statx, StatxAttributes, StatxFlags, statx};
    use rustix::io::Errno;

    use super::{FileId, Handle, PERMISSIONS, Seen, Stat, old_at, old_of};

    /// Whether `statx` was refused once while the older call was not.
    static WITHOUT: AtomicBool = AtomicBool::new(false);

    const ASKED: StatxFlags = StatxFlags::TYPE
        .union(StatxFlags::MODE)
        .union(StatxFlags::NLINK)
        .union(StatxFlags::UID)
        .union(StatxFlags::GID)
        .union(StatxFlags::INO)
        .union(StatxFlags::SIZE);

    #[inline]
    pub(super) fn of(file: &Handle, birth: bool) -> io::Result<Seen> {
        let mask = if birth {
            ASKED.union(StatxFlags::BTIME)
        } else {
            ASKED
        };
        or_older(
            || statx(file, c"", AtFlags::EMPTY_PATH, mask),
            || old_of(file),
        )
    }

    #[inline]
    pub(super) fn at(path: &Path, follow: bool) -> io::Result<Seen> {
        let flags = if follow {
            AtFlags::empty()
        } else {
            AtFlags::SYMLINK_NOFOLLOW
        };
        or_older(|| statx(CWD, path, flags, ASKED), || old_at(path, follow))
    }

    // Inlined, since the fields that a caller does not need would be copied several times.
    #[inline(always)]
    fn or_older(
        call: impl FnOnce() -> rustix::io::Result<Statx>,
        older: impl FnOnce() -> io::Result<Seen>,
    ) -> io::Result<Seen> {
        if WITHOUT.load(Ordering::Relaxed) {
            return older();
        }
        match call() {
            Ok(seen) => Ok(from_statx(&seen)),
            Err(Errno::NOSYS | Errno::PERM) => {
                let seen = older()?;
                WITHOUT.store(true, Ordering::Relaxed);
                Ok(seen)
            }
            Err(error) => Err(error.into()),
        }
    }

    #[inline(always)]
    fn from_statx(seen: &Statx) -> Seen {
        let kind = FileType::from_raw_mode(seen.stx_mode.into());
        Seen {
            stat: Stat {
                id: FileId {
                    device: rustix::fs::makedev(seen.stx_dev_major, seen.stx_dev_minor),
                    inode: seen.stx_ino,
                },
                size: seen.stx_size,
                is_file: kind == FileType::RegularFile,
                is_dir: kind == FileType::Directory,
                is_link: kind == FileType::Symlink,
                mode: u32::from(seen.stx_mode) & PERMISSIONS,
                links: u64::from(seen.stx_nlink),
                // Reported since Linux 5.8.
                is_mount_root: seen.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
            },
            uid: seen.stx_uid,
            gid: seen.stx_gid,
            birth: born(seen),
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
