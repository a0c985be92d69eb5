//! Keeps the old file. It gets a name of its own before the new one takes its place, so
//! a journal exists at every instant.

use std::io;
use std::path::{Path, PathBuf};

use super::draft::failed;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::data::Data;
use crate::journal::shared::Shared;
use crate::lockfile::{Generation, Identity};
use crate::rotated::{self, Noted, Rotated};
use crate::sys::{self, File};
use crate::temporary::Rights;

/// Is the old file's new name.
pub(crate) struct KeptFile {
    pub number: u32,
    pub path: PathBuf,
    noted: Noted,
}

impl KeptFile {
    /// Removes the name, since the rename did not follow. If this fails, the next
    /// locker does it.
    pub fn take_back(self) {
        if sys::unlink(&self.path).is_ok() {
            self.noted.take_back();
        }
    }
}

/// Gives the old file of `end` bytes its new name, durably. `note` gets the number
/// first: if this process dies, the next locker removes the name.
pub(crate) fn keep(
    shared: &Shared,
    operation: &'static str,
    generation: &Generation,
    (old, end): (&Data, u64),
    mut note: impl FnMut(u32) -> Result<()>,
) -> Result<KeptFile> {
    let os_error = |error| failed(shared, operation, error);
    rotated::drop_second_name(&shared.path, old.identity).map_err(os_error)?;
    let mut given = generation.rotated;
    loop {
        let number = rotated::next_number(&shared.path, given)
            .map_err(os_error)?
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::LimitExceeded,
                    operation,
                    &shared.path,
                    "a rotated file already has the highest possible number",
                )
            })?;
        let path = rotated::path(&shared.path, number);
        note(number)?;
        let mut rotated = Rotated {
            number,
            identity: old.identity,
            length: end,
            generation: generation.number,
            before: generation.before,
        };
        let kept = if shared.lock.is_in_place() {
            // The journal keeps its inode, so the kept file must be a copy.
            copy(shared, old, &path, &mut rotated)
        } else {
            // Listed first: a power cut may leave the journal both names.
            let noted = rotated::note(&shared.path, &rotated).map_err(os_error)?;
            match sys::link(&shared.path, &path) {
                Ok(()) => Ok(noted),
                Err(error) => {
                    noted.take_back();
                    match error.kind() {
                        io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound => Err(error),
                        // The file system has no hard links.
                        _ => copy(shared, old, &path, &mut rotated),
                    }
                }
            }
        };
        let noted = match kept {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // Another program took that number first.
                given = number;
                continue;
            }
            result => result.map_err(os_error)?,
        };
        let kept = KeptFile {
            number,
            path,
            noted,
        };
        // Before the rename: at no time may the disk know neither name.
        if let Err(error) = sys::sync_parent(&kept.path) {
            kept.take_back();
            return Err(os_error(error));
        }
        return Ok(kept);
    }
}

/// Copies the journal to this path, and lists the copy as a rotated file.
fn copy(shared: &Shared, old: &Data, path: &Path, rotated: &mut Rotated) -> io::Result<Noted> {
    let like = sys::metadata(&shared.path)?;
    let rights = Rights::of(like.as_ref(), Some(0o600));
    let file = rights.create(path)?;
    let copied = copy_bytes(&old.file, &file).and_then(|()| {
        rights.complete(&file)?;
        file.sync_all()?;
        rotated.identity = Identity::of(&file)?;
        rotated::note(&shared.path, rotated)
    });
    if copied.is_err() {
        let _ = sys::unlink(path);
    }
    copied
}

fn copy_bytes(from: &File, to: &File) -> io::Result<()> {
    let mut piece = vec![0; 256 * 1024];
    let mut at = 0;
    loop {
        let n = from.read_full_at(&mut piece, at)?;
        if n == 0 {
            return Ok(());
        }
        to.write_all_at(&piece[..n], at)?;
        at += n as u64;
    }
}
