//! The mark that a process waits for the exclusive lock of a file.
//!
//! flock lets sharers in while others share, even if a process waits for the
//! exclusive lock. So the waiter keeps a lock of another kind, on a byte that
//! no file has. Processes that are about to share look for it. The kernel
//! removes it with its descriptor, so no death leaves one.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub(in crate::sys) use linux::{is_marked, keeps_marks, mark};
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub(in crate::sys) use nowhere::{is_marked, keeps_marks, mark};

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod linux {
    use std::io;
    use std::os::fd::AsRawFd;

    use super::super::Handle;

    /// It is after all data, and not the last byte. A lock of a whole file by a
    /// range does not mean this one.
    const PLACE: i64 = 1 << 62;

    /// Returns whether flock and locks of ranges are independent on this file
    /// system. Network file systems make the one of the other: there a mark
    /// would keep all others from the lock.
    pub(in crate::sys) fn keeps_marks(file: &Handle) -> bool {
        // The source is man 2 statfs; for those that it does not list, their
        // own sources.
        const APART: [u32; 15] = [
            0xef53,      // ext2, ext3, ext4
            0x5846_5342, // XFS
            0x9123_683e, // btrfs
            0x0102_1994, // tmpfs
            0x8584_58f6, // ramfs
            0x794c_7630, // overlayfs
            0xf2f5_2010, // F2FS
            0x2fc1_2fc1, // ZFS
            0xca45_1a4e, // bcachefs
            0x3153_464a, // JFS
            0x5265_4973, // ReiserFS
            0x2011_bab0, // exFAT
            0x4d44,      // FAT
            0x7366_746e, // NTFS
            0xf15f,      // eCryptfs
        ];
        rustix::fs::fstatfs(file).is_ok_and(|stat| {
            #[expect(
                clippy::cast_sign_loss,
                clippy::cast_possible_truncation,
                reason = "a magic number of 32 bits, in a type that depends on the machine"
            )]
            let kind = stat.f_type as u32;
            APART.contains(&kind)
        })
    }

    /// Makes the mark, or removes it. It is a shared lock: many may wait, even
    /// with read access only.
    pub(in crate::sys) fn mark(file: &Handle, on: bool) -> io::Result<()> {
        let kind = if on { libc::F_RDLCK } else { libc::F_UNLCK };
        call(file, libc::F_OFD_SETLK, &mut range(kind))
    }

    /// Returns whether another descriptor has made it.
    pub(in crate::sys) fn is_marked(file: &Handle) -> io::Result<bool> {
        let mut found = range(libc::F_WRLCK);
        call(file, libc::F_OFD_GETLK, &mut found)?;
        // A program that locks the whole file by a range has not made a mark.
        Ok(i32::from(found.l_type) == libc::F_RDLCK && found.l_start == PLACE && found.l_len == 1)
    }

    fn range(kind: i32) -> libc::flock {
        libc::flock {
            #[expect(clippy::cast_possible_truncation, reason = "0, 1 or 2")]
            l_type: kind as i16,
            l_whence: 0,
            l_start: PLACE,
            l_len: 1,
            l_pid: 0,
        }
    }

    fn call(file: &Handle, command: i32, range: &mut libc::flock) -> io::Result<()> {
        // SAFETY: an open descriptor, and a structure that lives during the call.
        match unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut *range) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}

/// On macOS and the BSDs flock and locks of ranges exclude each other.
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod nowhere {
    use std::io;

    use super::super::Handle;

    pub(in crate::sys) fn keeps_marks(_: &Handle) -> bool {
        false
    }

    pub(in crate::sys) fn mark(_: &Handle, _: bool) -> io::Result<()> {
        Ok(())
    }

    pub(in crate::sys) fn is_marked(_: &Handle) -> io::Result<bool> {
        Ok(false)
    }
}
