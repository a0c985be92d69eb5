//! POSIX access lists, as Linux keeps them: an attribute with a version and
//! entries of eight bytes (tag, rights, id). With a list, the group bits of the
//! mode are its mask, and the owning group's rights are an entry.

use std::ffi::CStr;
use std::io;
use std::path::Path;

use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::{Handle, stat};

pub(super) const NAME: &CStr = c"system.posix_acl_access";
const LARGEST: usize = 65_536;
const VERSION: usize = 4;
const ENTRY: usize = 8;
const GROUP: u16 = 0x04;

pub(super) fn of_name(path: &Path) -> io::Result<Option<Vec<u8>>> {
    read(|buffer| rustix::fs::lgetxattr(path, NAME, buffer))
}

pub(super) fn of(file: &Handle) -> io::Result<Option<Vec<u8>>> {
    read(|buffer| rustix::fs::fgetxattr(file, NAME, buffer))
}

fn read(ask: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> io::Result<Option<Vec<u8>>> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    let mut small = [0; 256];
    match ask(&mut small) {
        Ok(n) => return Ok(Some(small[..n].to_vec())),
        Err(Errno::RANGE) => {}
        Err(error) => return none(error),
    }
    let mut value = vec![0; LARGEST];
    match ask(&mut value) {
        Ok(n) => {
            value.truncate(n);
            Ok(Some(value))
        }
        Err(error) => none(error),
    }
}

/// The file has none, or the file system, or a sandbox forbids the question.
fn none(error: Errno) -> io::Result<Option<Vec<u8>>> {
    match error {
        Errno::NODATA | Errno::NOTSUP | Errno::NOSYS | Errno::PERM => Ok(None),
        error => Err(error.into()),
    }
}

/// Gives the file this access list, or none: a directory may have given it one.
/// Returns the mode that the file will then have, since with a list the group
/// bits come from `mask`. `group` is the group that the list's entry for the
/// owning group means.
pub(super) fn give(
    file: &Handle,
    acl: Option<&[u8]>,
    group: u32,
    mask: u32,
    mode: u32,
) -> io::Result<u32> {
    let Some(acl) = acl else {
        if of(file)?.is_some() {
            rustix::fs::fremovexattr(file, NAME)?;
        }
        return Ok(mode);
    };
    let mut acl = acl.to_vec();
    if stat::of(file)?.gid != group {
        set_group(&mut acl, (mode & 0o007) as u8);
    }
    match rustix::fs::fsetxattr(file, NAME, &acl, XattrFlags::empty()) {
        Ok(()) => Ok(mode & !0o070 | mask & 0o070),
        // Without the list the group bits are the group's own.
        Err(Errno::PERM | Errno::ACCESS | Errno::NOTSUP) => {
            Ok(mode & !0o070 | mode & u32::from(group_of(&acl)) << 3)
        }
        Err(error) => Err(error.into()),
    }
}

fn group_of(acl: &[u8]) -> u8 {
    acl.get(VERSION..)
        .unwrap_or_default()
        .chunks_exact(ENTRY)
        .find(|entry| is_group(entry))
        .map_or(0, |entry| entry[2] & 0o7)
}

fn set_group(acl: &mut [u8], rights: u8) {
    let entries = acl.get_mut(VERSION..).unwrap_or_default();
    for entry in entries.chunks_exact_mut(ENTRY) {
        if is_group(entry) {
            entry[2] = rights & 0o7;
        }
    }
}

fn is_group(entry: &[u8]) -> bool {
    entry[..2] == GROUP.to_le_bytes()
}
