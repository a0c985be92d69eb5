//! Files of this library beside a user's: made with the rights of that one.

use std::io;
use std::path::Path;

use crate::sys::{self, Access, File, InTheWay, Rights};
use crate::temporary::{self, Temporary};

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

/// Gives `file`, which is at `path`, the rights of `of`, before bytes of `of` are
/// written to it. `true`: there is another file now, to be opened.
///
/// Whom `of` gives no right any more may have opened this file while it was wider,
/// and would read on: so another takes its place, with its first `keep` bytes.
pub(crate) fn follow_rights(file: &File, path: &Path, of: &Path, keep: u64) -> io::Result<bool> {
    let like = match sys::rights(of) {
        // It is not the file that this one is beside.
        Err(error) if InTheWay::of(&error).is_some() => None,
        like => like?,
    };
    let Some(like) = like else {
        return Ok(false);
    };
    let had = file.compare_rights(&like)?;
    if had == Rights::Same || had == Rights::More && replace(file, path, &like, keep).is_ok() {
        return Ok(had == Rights::More);
    }
    // Where no file can be made its rights at least are right from now on.
    match file.set_rights_beside(&like) {
        Err(error) if file.compare_rights(&like)? == Rights::More => Err(error),
        _ => Ok(false),
    }
}

fn replace(file: &File, path: &Path, like: &sys::Attributes, keep: u64) -> io::Result<()> {
    let new = Temporary::create(path, temporary::Rights::Like(&like.of_beside()))?;
    let copied = copy(file, &new.file, keep)
        .and_then(|()| new.file.sync_all())
        .and_then(|()| sys::rename(&new.path, path));
    if copied.is_err() {
        new.discard();
    }
    copied
}

fn copy(from: &File, to: &File, length: u64) -> io::Result<()> {
    let mut piece = vec![0; 65_536];
    let mut at = 0;
    while at < length {
        let want = usize::try_from(length - at).map_or(piece.len(), |n| n.min(piece.len()));
        let n = from.read_full_at(&mut piece[..want], at)?;
        if n == 0 {
            break;
        }
        to.write_all_at(&piece[..n], at)?;
        at += n as u64;
    }
    Ok(())
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
