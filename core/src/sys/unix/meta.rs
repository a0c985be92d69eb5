//! Mode, owner, access list and extended attributes: what a file that is
//! replaced keeps, and what a file beside it gets.

use std::ffi::{CStr, CString};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{Gid, Uid, XattrFlags};
use rustix::io::Errno;

use super::{Handle, acl, stat};
use crate::sys::{InTheWay, Named};

/// What a replacement takes over from the file it replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub mode: u32,
    uid: u32,
    gid: u32,
    /// Where there is one, the group bits of `mode` are its mask.
    acl: Option<Vec<u8>>,
    xattrs: Vec<(CString, Vec<u8>)>,
}

impl Attributes {
    /// The rights that a file beside this one is to have.
    pub fn of_beside(&self) -> Attributes {
        Attributes {
            mode: self.mode & 0o666,
            xattrs: Vec::new(),
            ..self.clone()
        }
    }

    /// What both give, for a file of our own that holds bytes of both.
    pub fn in_common(self, other: &Attributes) -> Attributes {
        let group = self.gid == other.gid && self.acl == other.acl;
        Attributes {
            mode: self.mode & other.mode & if group { PERMISSIONS } else { !0o070 },
            acl: self.acl.filter(|_| group),
            ..self
        }
    }

    /// The same, but its owner is this user.
    pub fn of_ours(self) -> Attributes {
        Attributes {
            uid: rustix::process::geteuid().as_raw(),
            ..self
        }
    }
}

/// Whether files have rights of their own; if not, they come from the directory.
pub(in crate::sys) const HAS_RIGHTS: bool = true;

/// Permission bits, set-id and sticky; not the file's type.
const PERMISSIONS: u32 = 0o7777;

pub(in crate::sys) fn read(path: &Path) -> io::Result<Attributes> {
    let mut seen = rights(path)?;
    seen.xattrs = xattrs(path)?;
    Ok(seen)
}

/// The same without what gives nobody a right.
pub(in crate::sys) fn rights(path: &Path) -> io::Result<Attributes> {
    let seen = stat::of_name(path)?;
    if seen.is_link() {
        return Err(InTheWay::Link.into_error());
    }
    Ok(Attributes {
        mode: seen.mode & PERMISSIONS,
        uid: seen.uid,
        gid: seen.gid,
        acl: acl::of_name(path)?,
        xattrs: Vec::new(),
    })
}

/// The most that Linux keeps in one attribute, and in the list of their names.
const LARGEST: usize = 65_536;

/// What speaks of the content, which will be another, or is set by itself.
const NOT_KEPT: [&CStr; 4] = [
    acl::NAME,
    c"security.capability",
    c"security.ima",
    c"security.evm",
];

fn xattrs(path: &Path) -> io::Result<Vec<(CString, Vec<u8>)>> {
    let mut names = [0; 1024];
    let listed = match rustix::fs::llistxattr(path, &mut names) {
        Ok(0) => return Ok(Vec::new()),
        Ok(n) => names[..n].to_vec(),
        Err(Errno::RANGE) => {
            let mut more = vec![0; LARGEST];
            let n = rustix::fs::llistxattr(path, &mut more)?;
            more.truncate(n);
            more
        }
        // The file system has none.
        Err(Errno::NOTSUP) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    for name in listed.split(|byte| *byte == 0).filter(|n| !n.is_empty()) {
        let name = CString::new(name).map_err(io::Error::other)?;
        if NOT_KEPT.contains(&&*name) {
            continue;
        }
        let mut value = vec![0; LARGEST];
        match rustix::fs::lgetxattr(path, &name, &mut value) {
            Ok(n) => {
                value.truncate(n);
                found.push((name, value));
            }
            // Not for us to read (`trusted.*`), or gone since it was listed.
            Err(Errno::PERM | Errno::ACCESS | Errno::NODATA) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// Gives a file the rights and attributes that are wanted, but for those that are
/// not ours to give; and none beyond them.
///
/// Owner first: a chown clears the set-id bits that the mode then sets again.
pub(in crate::sys) fn write(file: &Handle, wanted: &Attributes) -> io::Result<()> {
    write_attributes(file, wanted)?;
    let mode = give_to(file, wanted)?;
    let mode = acl::give(file, wanted.acl.as_deref(), wanted.gid, wanted.mode, mode)?;
    // After the ACL, which changes the group bits.
    set_mode(file, mode)
}

/// Those that give nobody a right.
pub(in crate::sys) fn write_attributes(file: &Handle, wanted: &Attributes) -> io::Result<()> {
    for (name, value) in &wanted.xattrs {
        let set = rustix::fs::fsetxattr(file, name, value, XattrFlags::empty());
        match set {
            Ok(()) => {}
            // `security.*` and `trusted.*` may be reserved to root; a file
            // system may keep none.
            Err(Errno::PERM | Errno::ACCESS | Errno::NOTSUP)
                if !name.as_bytes().starts_with(b"user.") => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Gives the file owner and group, where the system lets us; and the mode that it
/// is to have with what it got.
fn give_to(file: &Handle, wanted: &Attributes) -> io::Result<u32> {
    let mut seen = stat::of(file)?;
    if (seen.uid, seen.gid) != (wanted.uid, wanted.gid) {
        let (uid, gid) = (Uid::from_raw(wanted.uid), Gid::from_raw(wanted.gid));
        // Only root gives files away; a group that we are in can be set by anyone.
        let _ = rustix::fs::fchown(file, Some(uid), Some(gid))
            .or_else(|_| rustix::fs::fchown(file, None, Some(gid)));
        seen = stat::of(file)?;
    }
    let mut mode = wanted.mode;
    if seen.uid != wanted.uid {
        // Set-id rights are the owner's to give.
        mode &= !0o6000;
    }
    if seen.gid != wanted.gid {
        // Nor must the group's rights go to another group.
        mode = mode & 0o707 | (mode & 0o007) << 3;
    }
    Ok(mode)
}

/// Whether the file gives nobody but its owner more than these rights do: another
/// user's, which we can't change, may give less.
pub(in crate::sys) fn has_at_most(file: &Handle, wanted: &Attributes) -> io::Result<bool> {
    let seen = stat::of(file)?;
    let group = seen.gid == wanted.gid || seen.mode & 0o060 == 0;
    Ok(group && seen.mode & 0o066 & !wanted.mode == 0 && acl::of(file)? == wanted.acl)
}

impl Attributes {
    pub fn has_xattrs(&self) -> bool {
        !self.xattrs.is_empty()
    }
}

/// Whether the file has just these rights.
pub(in crate::sys) fn has_rights(file: &Handle, wanted: &Attributes) -> io::Result<bool> {
    let seen = stat::of(file)?;
    Ok(
        (seen.uid, seen.gid, seen.mode & PERMISSIONS) == (wanted.uid, wanted.gid, wanted.mode)
            && acl::of(file)? == wanted.acl,
    )
}

/// Takes from those the right to write the file (`reading`: any) who may not write
/// the one beside which it lies, if it is ours.
pub(in crate::sys) fn narrow(file: &Handle, of: &Path, reading: bool) -> io::Result<()> {
    let seen = stat::of(file)?;
    let of = match stat::of_name(of) {
        Ok(of) if of.is_file() => of,
        _ => return Ok(()),
    };
    let rights = if reading { 0o066 } else { 0o022 };
    let more = seen.mode & rights & !of.mode;
    if more != 0 && seen.uid == rustix::process::geteuid().as_raw() {
        set_mode(file, seen.mode & !more)?;
    }
    Ok(())
}

/// Whether what the file says of `of`, beside which it lies, can only be from
/// somebody who has a say over that anyway: we, root, its owner, the owner of the
/// directory, or one of the group that may read and write it. Where `of` is not
/// there (or is the directory), the directory is in its place.
pub(in crate::sys) fn may_be_believed(file: &Handle, of: &Path) -> io::Result<bool> {
    // What everybody may write can be anybody's word.
    let anybody = |seen: &stat::Seen| seen.mode & 0o002 != 0;
    let file = stat::of(file)?;
    let own = rustix::process::geteuid().as_raw();
    if !file.is_file() {
        return Ok(false);
    }
    if [own, 0].contains(&file.uid) && !anybody(&file) {
        return Ok(true);
    }
    let (of, dir) = match stat::of_name(of) {
        Ok(dir) if dir.is_dir() => (None, dir),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        seen => {
            let dir = stat::at(crate::sys::path::parent(of))?;
            (seen.ok().filter(stat::Seen::is_file), dir)
        }
    };
    if anybody(&file) && !of.as_ref().is_none_or(anybody) {
        return Ok(false);
    }
    // The owner of the directory can put another file in the place of this one, but
    // can't change one that has a name elsewhere too.
    let of_dir = of.as_ref().is_none_or(|of| of.links == 1);
    if [own, 0].contains(&file.uid)
        || of_dir && file.uid == dir.uid
        || of.as_ref().is_some_and(|of| of.uid == file.uid)
    {
        return Ok(true);
    }
    // A new file has its maker's group, or the directory's: so where everybody
    // can make one, its group says nothing.
    let shared = !anybody(&dir);
    let of = of.unwrap_or(dir);
    Ok(shared && of.gid == file.gid && of.mode & 0o060 == 0o060)
}

/// In a sticky directory only the owner of a file, or the directory's, may rename
/// another over it, or take a name of it away.
pub(in crate::sys) fn may_be_replaced(file: &Handle, dir: &Path) -> io::Result<bool> {
    let (file, dir) = (stat::of(file)?, stat::at(dir)?);
    let own = rustix::process::geteuid().as_raw();
    Ok(dir.mode & 0o1000 == 0 || [0, file.uid, dir.uid].contains(&own))
}

/// Root may remove what it owns, not what anybody has put in its way.
pub(in crate::sys) fn is_ours_to_remove(path: &Path, dir: &Path) -> io::Result<bool> {
    let (seen, dir) = (stat::of_name(path)?, stat::at(dir)?);
    let own = rustix::process::geteuid().as_raw();
    Ok([own, dir.uid].contains(&seen.uid))
}

/// Not where it has the mode already: some file systems have but one for all
/// files, and refuse to set any.
pub(in crate::sys) fn set_mode(file: &Handle, mode: u32) -> io::Result<()> {
    let mode = mode & PERMISSIONS;
    if stat::of(file)?.mode & PERMISSIONS == mode {
        return Ok(());
    }
    file.set_permissions(std::fs::Permissions::from_mode(mode))
        .map_err(|error| Named::error("fchmod", error))
}

pub(in crate::sys) fn has_mode(file: &Handle, mode: u32) -> io::Result<bool> {
    Ok(stat::of(file)?.mode & PERMISSIONS == mode & PERMISSIONS)
}

/// Whether an error means that the file system has no such rights to give.
pub(in crate::sys) fn is_refused(error: &io::Error) -> bool {
    let error = Named::of(error).map_or(error, |named| &named.source);
    matches!(
        error.raw_os_error(),
        Some(libc::EPERM | libc::EACCES | libc::ENOTSUP | libc::ENOSYS | libc::EINVAL)
    )
}
