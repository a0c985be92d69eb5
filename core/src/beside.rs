//! Makes files of this library next to a user's, with the rights of that file.

use std::io;
use std::path::Path;

use crate::sys::{self, Access, File, InTheWay, Rights};
use crate::temporary::{self, Temporary};

/// Makes an empty file at `path`, next to `of` and with its rights. If `of` is
/// missing, the new file gets `mode`, or 0666 less the umask. Fails with
/// `AlreadyExists` if `path` exists.
///
/// If the system can do so, the file appears with its rights. So no process
/// opens it before it has them, and no crash leaves one without them.
pub(crate) fn make(path: &Path, of: &Path, mode: Option<u32>) -> io::Result<()> {
    let mode = mode.map(|mode| mode & 0o666);
    let like = match sys::rights(of) {
        // The name is a symbolic link's: no file of ours can be there.
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

/// Gives `file`, which is at `path`, the rights of `of`, before bytes of `of`
/// are written to it. Returns `true` if a new file took its place, which must
/// be opened.
///
/// A user that has lost its right to `of` may have opened this file while it
/// was wider, and would read on. So another file takes its place, with its
/// first `keep` bytes.
pub(crate) fn follow_rights(file: &File, path: &Path, of: &Path, keep: u64) -> io::Result<bool> {
    let like = match sys::rights(of) {
        // That is not the file that this one is next to.
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
    // If no new file can be made, at least the rights are right from now on.
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

/// Falls back to the usual way. The system may lack files without a name, or
/// the way to name them. If there is another problem, the usual way reports it.
fn or_by_its_name(
    named: io::Result<File>,
    create: impl FnOnce() -> io::Result<File>,
) -> io::Result<File> {
    match named {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => create(),
        named => named,
    }
}
