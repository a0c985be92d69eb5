//! Mode, owner and extended attributes: what a file that is replaced keeps.

use std::ffi::CString;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Gid, Uid};
use rustix::io::Errno;

use super::{Handle, stat};

/// What a replacement takes over from the file it replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub mode: u32,
    uid: u32,
    gid: u32,
    xattrs: Vec<(CString, Vec<u8>)>,
}

/// Permission bits, set-id and sticky; not the file's type.
const PERMISSIONS: u32 = 0o7777;

pub(in crate::fs) fn read(path: &Path) -> io::Result<Attributes> {
    let seen = std::fs::metadata(path)?;
    Ok(Attributes {
        mode: seen.mode() & PERMISSIONS,
        uid: seen.uid(),
        gid: seen.gid(),
        xattrs: xattrs(path)?,
    })
}

/// The most that Linux keeps in one attribute, and in the list of their names.
const LARGEST: usize = 65_536;

fn xattrs(path: &Path) -> io::Result<Vec<(CString, Vec<u8>)>> {
    let mut names = [0; 1024];
    let listed = match rustix::fs::listxattr(path, &mut names) {
        Ok(0) => return Ok(Vec::new()),
        Ok(n) => names[..n].to_vec(),
        Err(Errno::RANGE) => {
            let mut more = vec![0; LARGEST];
            let n = rustix::fs::listxattr(path, &mut more)?;
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
        let mut value = vec![0; LARGEST];
        match rustix::fs::getxattr(path, &name, &mut value) {
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

/// Owner first: a chown clears the set-id bits that the mode then sets again.
pub(in crate::fs) fn write(file: &Handle, wanted: &Attributes) -> io::Result<()> {
    let mut mode = wanted.mode;
    if !give_to(file, wanted) {
        // The group is not ours to give: its rights must not go to another
        // group, nor set-id rights to another owner.
        mode = mode & 0o707 | (mode & 0o007) << 3;
    }
    for (name, value) in &wanted.xattrs {
        let set = rustix::fs::fsetxattr(file, name, value, rustix::fs::XattrFlags::empty());
        match set {
            Ok(()) => {}
            // `security.*` and `trusted.*` may be reserved to root; a file
            // system may keep none.
            Err(Errno::PERM | Errno::ACCESS | Errno::NOTSUP)
                if !name.as_bytes().starts_with(b"user.") => {}
            Err(error) => return Err(error.into()),
        }
    }
    // After the ACL, which changes the group bits.
    set_mode(file, mode)
}

/// `false` if the file could not get the group.
pub(in crate::fs) fn give_to(file: &Handle, wanted: &Attributes) -> bool {
    let Ok(seen) = file.metadata() else {
        return false;
    };
    if (seen.uid(), seen.gid()) == (wanted.uid, wanted.gid) {
        return true;
    }
    let (uid, gid) = (Uid::from_raw(wanted.uid), Gid::from_raw(wanted.gid));
    // Only root gives files away; a group that we are in can be set by anyone.
    rustix::fs::fchown(file, Some(uid), Some(gid)).is_ok()
        || seen.gid() == wanted.gid
        || rustix::fs::fchown(file, None, Some(gid)).is_ok()
}

/// Whether what the file says of `of`, beside which it lies, can only be from
/// somebody who has a say over that anyway: we, root, its owner, the owner of the
/// directory, or one of the group that may read and write it. Where `of` is not
/// there (or is the directory), the directory is in its place.
pub(in crate::fs) fn may_be_believed(file: &Handle, of: &Path) -> io::Result<bool> {
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
            let dir = stat::at(crate::fs::path::parent(of))?;
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

/// Root may remove what it owns, not what anybody has put in its way.
pub(in crate::fs) fn is_ours_to_remove(path: &Path, dir: &Path) -> io::Result<bool> {
    let (seen, dir) = (stat::of_name(path)?, stat::at(dir)?);
    let own = rustix::process::geteuid().as_raw();
    Ok([own, dir.uid].contains(&seen.uid))
}

fn set_mode(file: &Handle, mode: u32) -> io::Result<()> {
    file.set_permissions(std::fs::Permissions::from_mode(mode & PERMISSIONS))
}
