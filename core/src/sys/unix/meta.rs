//! Mode, owner, access list and extended attributes. A replacement keeps those
//! of its file, and a new file next to it gets its rights.

use std::ffi::{CStr, CString};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{Gid, Uid, XattrFlags};
use rustix::io::Errno;

use super::{Handle, acl, stat};
use crate::sys::{InTheWay, Named};

/// The attributes that a replacement takes over from the file it replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub mode: u32,
    uid: u32,
    gid: u32,
    /// With a list, the group bits of `mode` are its mask.
    acl: Option<Vec<u8>>,
    xattrs: Vec<(CString, Vec<u8>)>,
}

impl Attributes {
    /// Returns the rights for a file next to this one.
    pub fn of_beside(&self) -> Attributes {
        Attributes {
            mode: self.mode & 0o666,
            xattrs: Vec::new(),
            ..self.clone()
        }
    }

    /// Returns the rights that both give, for a file of our own that holds
    /// bytes of both.
    pub fn in_common(self, other: &Attributes) -> Attributes {
        let group = self.gid == other.gid && self.acl == other.acl;
        Attributes {
            mode: self.mode & other.mode & if group { PERMISSIONS } else { !0o070 },
            acl: self.acl.filter(|_| group),
            ..self
        }
    }

    /// Returns the same attributes with this user as the owner.
    pub fn of_ours(self) -> Attributes {
        Attributes {
            uid: rustix::process::geteuid().as_raw(),
            ..self
        }
    }
}

/// Whether files have rights of their own. If not, the rights come from the
/// directory.
pub(in crate::sys) const HAS_RIGHTS: bool = true;

/// Permission bits, set-id and sticky; not the file's type.
const PERMISSIONS: u32 = 0o7777;

pub(in crate::sys) fn read(path: &Path) -> io::Result<Attributes> {
    let mut seen = rights(path)?;
    seen.xattrs = xattrs(path)?;
    Ok(seen)
}

/// Reads only the attributes that give rights.
pub(in crate::sys) fn rights(path: &Path) -> io::Result<Attributes> {
    let seen = stat::of_name(path)?;
    if seen.is_link {
        return Err(InTheWay::Link.into_error());
    }
    Ok(Attributes {
        mode: seen.mode,
        uid: seen.uid,
        gid: seen.gid,
        acl: acl::of_name(path)?,
        xattrs: Vec::new(),
    })
}

/// The most that Linux keeps in one attribute, and in the list of their names.
const LARGEST: usize = 65_536;

/// The answer for an attribute that the file does not have.
#[cfg(target_vendor = "apple")]
const NO_ATTRIBUTE: Errno = Errno::NOATTR;
#[cfg(not(target_vendor = "apple"))]
const NO_ATTRIBUTE: Errno = Errno::NODATA;

/// Attributes of the content, which changes, and those that are set separately.
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
            // We may not read it (`trusted.*`), or it has gone since it was
            // listed.
            Err(Errno::PERM | Errno::ACCESS | NO_ATTRIBUTE) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// Gives a file the wanted rights and attributes, and none beyond them. It
/// leaves out those that we may not give.
///
/// Owner first: a chown clears the set-id bits that the mode then sets again.
pub(in crate::sys) fn write(file: &Handle, wanted: &Attributes) -> io::Result<()> {
    write_attributes(file, wanted)?;
    let mode = give_to(file, wanted)?;
    let mode = acl::give(file, wanted.acl.as_deref(), wanted.gid, wanted.mode, mode)?;
    // After the ACL, which changes the group bits.
    set_mode(file, mode)
}

/// Writes the attributes that give no rights.
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

/// Gives the file owner and group, as far as the system permits. Returns the
/// mode that fits the owner it got.
fn give_to(file: &Handle, wanted: &Attributes) -> io::Result<u32> {
    let mut seen = stat::of(file)?;
    if (seen.uid, seen.gid) != (wanted.uid, wanted.gid) {
        let (uid, gid) = (Uid::from_raw(wanted.uid), Gid::from_raw(wanted.gid));
        // Only root gives files away; any user can set a group that it is in.
        let _ = rustix::fs::fchown(file, Some(uid), Some(gid))
            .or_else(|_| rustix::fs::fchown(file, None, Some(gid)));
        seen = stat::of(file)?;
    }
    let mut mode = wanted.mode;
    if seen.uid != wanted.uid {
        // Only the owner may give set-id rights.
        mode &= !0o6000;
    }
    if seen.gid != wanted.gid {
        // The group's rights must not go to another group either.
        mode = mode & 0o707 | (mode & 0o007) << 3;
    }
    Ok(mode)
}

/// Returns whether the file gives all but its owner at most these rights.
/// Another user's file, which we can't change, may give less.
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

/// Returns whether the file has exactly these rights.
pub(in crate::sys) fn has_rights(file: &Handle, wanted: &Attributes) -> io::Result<bool> {
    let seen = stat::of(file)?;
    Ok(
        (seen.uid, seen.gid, seen.mode) == (wanted.uid, wanted.gid, wanted.mode)
            && acl::of(file)? == wanted.acl,
    )
}

/// Narrows the rights of a file to those of the file `of` next to it, if it is
/// ours. Users that may not write `of` lose the right to write it, or with
/// `reading` all rights.
pub(in crate::sys) fn narrow(file: &Handle, of: &Path, reading: bool) -> io::Result<()> {
    let rights = if reading { 0o066 } else { 0o022 };
    let seen = stat::of(file)?;
    if seen.mode & rights == 0 {
        return Ok(());
    }
    let of = match stat::of_name(of) {
        Ok(of) if of.is_file => of,
        _ => return Ok(()),
    };
    let more = seen.mode & rights & !of.mode;
    if more != 0 && seen.uid == rustix::process::geteuid().as_raw() {
        set_mode(file, seen.mode & !more)?;
    }
    Ok(())
}

/// Returns whether the file's content about `of`, next to it, can be trusted.
/// Only a user that may change `of` anyway can have written it. That is this
/// user, root, the owner of `of` or of the directory, or one of the group that
/// may read and write `of`. If `of` is missing (or is the directory), the
/// directory takes its place.
pub(in crate::sys) fn may_be_believed(file: &Handle, of: &Path) -> io::Result<bool> {
    // A file that every user may write can hold any user's content.
    let anybody = |seen: &stat::Seen| seen.mode & 0o002 != 0;
    let file = stat::of(file)?;
    let own = rustix::process::geteuid().as_raw();
    if !file.is_file {
        return Ok(false);
    }
    if [own, 0].contains(&file.uid) && !anybody(&file) {
        return Ok(true);
    }
    let (of, dir) = match stat::of_name(of) {
        Ok(dir) if dir.is_dir => (None, dir),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        seen => {
            let dir = stat::at(crate::sys::path::parent(of))?;
            (seen.ok().filter(|seen| seen.is_file), dir)
        }
    };
    if anybody(&file) && !of.as_ref().is_none_or(anybody) {
        return Ok(false);
    }
    // The owner of the directory can put another file in the place of this one.
    // It can't change one that has a name elsewhere too.
    let of_dir = of.as_ref().is_none_or(|of| of.links == 1);
    if [own, 0].contains(&file.uid)
        || of_dir && file.uid == dir.uid
        || of.as_ref().is_some_and(|of| of.uid == file.uid)
    {
        return Ok(true);
    }
    // A new file has its maker's group, or the directory's. So if every user
    // can make one, its group says nothing.
    let shared = !anybody(&dir);
    let of = of.unwrap_or(dir);
    Ok(shared && of.gid == file.gid && of.mode & 0o060 == 0o060)
}

/// Returns whether another file may replace this one. In a sticky directory
/// only the owner of the file, or of the directory, may rename another over it
/// or remove its name.
pub(in crate::sys) fn may_be_replaced(file: &Handle, dir: &Path) -> io::Result<bool> {
    let (file, dir) = (stat::of(file)?, stat::at(dir)?);
    let own = rustix::process::geteuid().as_raw();
    Ok(dir.mode & 0o1000 == 0 || [0, file.uid, dir.uid].contains(&own))
}

/// Returns whether we may remove the file. Root may remove what it owns, not
/// other users' files in its way.
pub(in crate::sys) fn is_ours_to_remove(path: &Path, dir: &Path) -> io::Result<bool> {
    let (seen, dir) = (stat::of_name(path)?, stat::at(dir)?);
    let own = rustix::process::geteuid().as_raw();
    Ok([own, dir.uid].contains(&seen.uid))
}

/// Sets the mode, unless the file has it already. Some file systems have one
/// mode for all files, and refuse to set any.
pub(in crate::sys) fn set_mode(file: &Handle, mode: u32) -> io::Result<()> {
    let mode = mode & PERMISSIONS;
    if stat::look(file)?.mode == mode {
        return Ok(());
    }
    file.set_permissions(std::fs::Permissions::from_mode(mode))
        .map_err(|error| Named::error("fchmod", error))
}

pub(in crate::sys) fn has_mode(file: &Handle, mode: u32) -> io::Result<bool> {
    Ok(stat::look(file)?.mode == mode & PERMISSIONS)
}

/// Returns whether an error means that the file system has no such rights to
/// give.
pub(in crate::sys) fn is_refused(error: &io::Error) -> bool {
    let error = Named::of(error).map_or(error, |named| &named.source);
    matches!(
        error.raw_os_error(),
        Some(libc::EPERM | libc::EACCES | libc::ENOTSUP | libc::ENOSYS | libc::EINVAL)
    )
}
