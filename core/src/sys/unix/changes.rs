//! Whether and how the system reports every change.

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(in crate::sys) use crate::sys::notifier::Watcher;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(in crate::sys) use crate::sys::unix::inotify::Watcher;

use std::path::Path;

/// Returns whether inotify reports every change in this directory, by any
/// process. It reports no changes by other hosts, or by a file server itself.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(in crate::sys) fn tells_all(dir: &Path) -> bool {
    // The source is man 2 statfs; for those that it does not list, their own
    // sources.
    const REMOTE: [u32; 16] = [
        0x6969,      // NFS
        0x517b,      // SMB
        0xff53_4d42, // CIFS
        0xfe53_4d42, // SMB 2
        0x6573_5546, // FUSE, virtiofs
        0x0102_1997, // 9p
        0x5346_414f, // AFS
        0x6b41_4653, // kAFS
        0x00c3_6400, // Ceph
        0x7375_7245, // Coda
        0x564c,      // NCP
        0x786f_4256, // VirtualBox shared folders
        0x0bd0_0bd0, // Lustre
        0x1983_0326, // BeeGFS
        0x0116_1970, // GFS2
        0x7461_636f, // OCFS2
    ];
    rustix::fs::statfs(dir).is_ok_and(|stat| {
        #[expect(
            clippy::cast_sign_loss,
            clippy::cast_possible_truncation,
            reason = "a magic number of 32 bits, in a type that depends on the machine"
        )]
        let kind = stat.f_type as u32;
        !REMOTE.contains(&kind)
    })
}

/// kqueue reports on the files that it has open, one by one. Polling finds a
/// change that is missed between two of them.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(in crate::sys) fn tells_all(_: &Path) -> bool {
    false
}
