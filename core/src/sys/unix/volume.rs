//! The file system that a file is on.

use std::path::Path;

/// Returns its name as `mount` shows it: `nfs4`, `cifs`, `fuse.sshfs`, `ext4`.
#[cfg(target_os = "linux")]
pub(in crate::sys) fn file_system(path: &Path) -> Option<String> {
    from_mount_table(path).or_else(|| from_magic(path))
}

/// Returns `false` for the file systems that are known to copy no file when it is opened.
#[cfg(target_os = "linux")]
pub(in crate::sys) fn may_copy(path: &Path) -> bool {
    let magic = rustix::fs::statfs(path).map(|seen| seen.f_type as u32);
    let known = [
        0xef53,      // ext4
        0x5846_5342, // xfs
        0x9123_683e, // btrfs
        0x0102_1994, // tmpfs
        0xf2f5_2010, // f2fs
        0x2fc1_2fc1, // zfs
        0x6969,      // nfs
    ];
    !magic.is_ok_and(|magic| known.contains(&magic))
}

/// No other system has such file systems.
#[cfg(not(target_os = "linux"))]
pub(in crate::sys) fn may_copy(_: &Path) -> bool {
    false
}

/// Reads it from `/proc/self/mountinfo` (man 5 proc_pid_mountinfo). The mount's
/// number comes first, and the name of the file system after a lone `-`.
#[cfg(target_os = "linux")]
fn from_mount_table(path: &Path) -> Option<String> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

    let seen = statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID).ok()?;
    if seen.stx_mask & StatxFlags::MNT_ID.bits() == 0 {
        return None;
    }
    let table = std::fs::read("/proc/self/mountinfo").ok()?;
    let wanted = seen.stx_mnt_id.to_string();
    String::from_utf8_lossy(&table)
        .lines()
        .find(|line| line.split(' ').next() == Some(&wanted))
        .and_then(|line| Some(line.split_once(" - ")?.1.split(' ').next()?.to_owned()))
}

/// Returns the name by magic number (man 2 statfs), without `/proc` or before
/// Linux 5.8. It knows the few file systems on which locks are in question.
#[cfg(target_os = "linux")]
fn from_magic(path: &Path) -> Option<String> {
    let magic = rustix::fs::statfs(path).ok()?.f_type;
    let name = match magic as u32 {
        0x6969 => "nfs",
        0xff53_4d42 => "cifs",
        0xfe53_4d42 => "smb2",
        0x6573_5546 => "fuse",
        0x0102_1997 => "9p",
        0x00c3_6400 => "ceph",
        0x5346_414f => "afs",
        0x794c_7630 => "overlay",
        0x0102_1994 => "tmpfs",
        0xef53 => "ext4",
        other => return Some(format!("type {other:#x}")),
    };
    Some(name.to_owned())
}

#[cfg(any(target_os = "macos", target_os = "freebsd"))]
pub(in crate::sys) fn file_system(path: &Path) -> Option<String> {
    let seen = rustix::fs::statfs(path).ok()?;
    let name = seen.f_fstypename.iter().take_while(|byte| **byte != 0);
    let name = name.map(|byte| *byte as u8).collect();
    String::from_utf8(name).ok()
}

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
pub(in crate::sys) fn file_system(_: &Path) -> Option<String> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{file_system, from_magic, may_copy};
    use std::path::Path;

    #[test]
    fn names_the_file_system() {
        for (path, name) in [("/proc", "proc"), ("/dev/shm", "tmpfs")] {
            assert_eq!(file_system(Path::new(path)).as_deref(), Some(name));
        }
        assert_eq!(from_magic(Path::new("/dev/shm")).as_deref(), Some("tmpfs"));
        assert_eq!(
            from_magic(Path::new("/proc")).as_deref(),
            Some("type 0x9fa0")
        );
        assert_eq!(file_system(Path::new("/no such file")), None);
    }

    #[test]
    fn only_known_file_systems_copy_nothing() {
        assert!(!may_copy(Path::new("/dev/shm")));
        assert!(may_copy(Path::new("/proc")));
        assert!(may_copy(Path::new("/no such file")));
    }
}
