//! Files of this library beside a user's: made with the rights of that one.

use std::io;
use std::path::Path;

use crate::sys::{self, Access, File, InTheWay};

/// Makes an empty file at `path`, beside `of` and with its rights. Where `of` is
/// not there, it gets `mode`, or 0666 less the umask. Fails with `AlreadyExists`
/// where there is one.
///
/// At once, where the system can: nobody finds a file there whose rights are still
/// to come, and keeps it open without them; nor does a crash leave one.
pub(crate) fn make(path: &Path, of: &Path, mode: Option<u32>) -> io::Result<()> {
    let mode = mode.map(|mode| mode & 0o666);
    let like = match sys::rights(of) {
        // A symbolic link's name: no file of ours to be.
        Err(error) if InTheWay::of(&error).is_some() => None,
        like => like?,
    };
    match like {
        _ if !sys::HAS_RIGHTS => File::create_beside(path, Access::Write, None),
        None if mode.is_none() => File::create_beside(path, Access::Write, None),
        None => {
            let named = File::create_unnamed(path, |file| file.set_mode(mode.unwrap_or(0o600)));
            or_by_its_name(named, || File::create_beside(path, Access::Write, mode))
        }
        Some(like) => {
            let named = File::create_unnamed(path, |file| file.set_rights_beside(&like));
            or_by_its_name(named, || {
                File::create_beside_like(path, Access::Write, &like)
            })
        }
    }
    .map(drop)
}

/// Whatever is not to be had here, a file without a name or the way to give it one:
/// the usual way tells what is the matter, if anything is.
fn or_by_its_name(
    named: io::Result<File>,
    create: impl FnOnce() -> io::Result<File>,
) -> io::Result<File> {
    match named {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => create(),
        named => named,
    }
}
