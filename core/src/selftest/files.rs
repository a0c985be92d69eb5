//! Checks that a file stays whole when it is replaced, linked or synced.

use std::io;
use std::path::Path;

use super::stage::Stage;
use super::{Found, failed, passed, skipped};
use crate::oslock::Scheme;
use crate::sys::{self, Access, File};

fn with(stage: &Stage, name: &str, bytes: &[u8]) -> io::Result<File> {
    let file = File::create_new(&stage.path(name), Access::Write, None)?;
    file.write_all_at(bytes, 0)?;
    Ok(file)
}

fn holds(file: &File, bytes: &[u8]) -> io::Result<bool> {
    let mut read = vec![0; bytes.len() + 1];
    let n = file.read_full_at(&mut read, 0)?;
    Ok(&read[..n] == bytes)
}

pub(super) fn rename(stage: &Stage) -> io::Result<Found> {
    let old = with(stage, "old", b"old")?;
    let new = with(stage, "new", b"new")?;
    let reader = File::open(&stage.path("old"), Access::Read)?;
    drop(new);
    sys::rename(&stage.path("new"), &stage.path("old"))?;
    let replaced = File::open(&stage.path("old"), Access::Read)?;
    if !holds(&replaced, b"new")? || replaced.id()? == old.id()? {
        return failed("after a rename the name does not mean the new file");
    }
    if !holds(&reader, b"old")? {
        return failed("a reader that had the old file open does not see it any more");
    }
    if sys::stat(&stage.path("new"))?.is_some() {
        return failed("after a rename the old name still exists");
    }
    passed("a file is replaced while it is read")
}

pub(super) fn link(stage: &Stage) -> io::Result<Found> {
    drop(with(stage, "first", b"first")?);
    drop(with(stage, "second", b"second")?);
    let (first, second) = (stage.path("first"), stage.path("second"));
    match sys::link(&first, &stage.path("linked")) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        Err(error) => {
            return skipped(format!(
                "no hard links ({error}): `create` is then not safe from programs that take no \
                 lock"
            ));
        }
        Ok(()) => {}
    }
    match sys::link(&first, &second) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            passed("a link never replaces a file")
        }
        Err(error) => Err(error),
        Ok(()) => failed("a link replaced an existing file"),
    }
}

/// Looks for files of the directory that have another name. Each name would have
/// its own lock file.
pub(super) fn names(dir: &Path, scheme: Scheme) -> io::Result<Found> {
    if scheme == Scheme::InPlace {
        return passed("the lock is on the file itself, whatever its name");
    }
    let mut doubtful = Vec::new();
    for name in sys::list(dir)? {
        let seen = sys::look(&dir.join(&name))?;
        let why = match seen {
            Some(seen) if seen.is_file && seen.is_mount_root => "is mounted by itself",
            Some(seen) if seen.is_file && seen.links > 1 => "has another hard link",
            _ => continue,
        };
        doubtful.push(format!("{} {why}", name.to_string_lossy()));
    }
    match doubtful.len() {
        0 => passed("every file has one name"),
        n => failed(format!(
            "{n} with another name, by which others are not kept out: {}; journals there are \
             refused but in the scheme in-place",
            doubtful[..n.min(3)].join(", ")
        )),
    }
}

pub(super) fn sync(stage: &Stage) -> io::Result<Found> {
    let file = with(stage, "synced", b"bytes")?;
    file.sync_data()?;
    file.sync_all()?;
    passed("the system reports that the bytes are durable on disk")
}

pub(super) fn sync_directory(stage: &Stage) -> io::Result<Found> {
    drop(with(stage, "named", b"")?);
    sys::sync_parent(&stage.path("named"))?;
    passed("the system reports that the names are durable on disk")
}
