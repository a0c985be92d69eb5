//! The temporary that takes a file's place: its name, its owner, its orphans.
//!
//! `.<start of the file's name>.<hash of its name>.<random>.untorn`, in the
//! file's own directory, locked for as long as its writer lives. The random
//! part keeps two writers apart, and the name is cut short: it must not exceed
//! 255 bytes where the file's own does not.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::fs::{self, Access, Descriptor, PerProcess};

const SUFFIX: &str = ".untorn";
const RANDOM: usize = 12;
/// How many temporaries may be lost to sweeps.
const TRIES: u32 = 100;

/// The documents whose orphans this process has swept: reading the directory
/// at each one-shot save would cost more than the save.
static SWEPT: PerProcess<Mutex<HashSet<PathBuf>>> = PerProcess::new();

pub(crate) struct Temporary {
    pub path: PathBuf,
    /// Not for a forked child: it would keep the lock, and the space of a file
    /// that is gone.
    pub file: Descriptor,
}

impl Temporary {
    /// Makes one beside `document`, and locks it.
    pub fn create(document: &Path, mode: Option<u32>) -> io::Result<Temporary> {
        for _ in 0..TRIES {
            let path = path_beside(document);
            let file = match Descriptor::create_new(&path, Access::Write, mode) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                result => result?,
            };
            // Aside: its lock is on the document once it is renamed.
            let temporary = Temporary {
                path,
                file: file.lock_aside(),
            };
            match temporary.claim() {
                Ok(true) => return Ok(temporary),
                // A sweep came between its making and its locking.
                Ok(false) => temporary.discard(),
                Err(error) => {
                    temporary.discard();
                    return Err(error);
                }
            }
        }
        // No sweep comes that often: the lock is refused (see `File::try_lock`).
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn claim(&self) -> io::Result<bool> {
        match self.file.try_lock(false) {
            Ok(true) => Ok(self.file.links_and_size()?.0 > 0),
            Ok(false) => Ok(false),
            // Without locks there are no sweeps either (they lock first).
            Err(error) if fs::is_lock_unsupported(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// It did not come to a rename. If this fails, a later sweep finds it.
    pub fn discard(self) {
        let _ = fs::unlink(&self.path);
    }
}

/// A name that nobody has, which a sweep takes for an orphan.
pub(crate) fn path_beside(document: &Path) -> PathBuf {
    let random = fs::random_word(RANDOM);
    document.with_file_name(prefix(document) + &random + SUFFIX)
}

/// Removes what killed saves of this document have left behind. Best effort:
/// nothing depends on it.
pub(crate) fn sweep(document: &Path) {
    let fresh = SWEPT
        .get(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(document.to_owned());
    if fresh {
        sweep_again(document);
    }
}

/// [`sweep`], however often this process has done it.
pub(crate) fn sweep_again(document: &Path) {
    let Some(Ok(names)) = document.parent().map(fs::list) else {
        return;
    };
    let prefix = prefix(document);
    for name in names.into_iter().filter(|name| is_temporary(name, &prefix)) {
        let path = document.with_file_name(name);
        // One whose lock is not free is in use.
        if let Ok(file) = Descriptor::open_beside(&path, Access::Write).map(Descriptor::lock_aside)
            && matches!(file.may_be_believed(document), Ok(true))
            && matches!(file.try_lock(false), Ok(true))
        {
            let _ = fs::unlink(&path);
        }
    }
}

fn is_temporary(name: &OsString, prefix: &str) -> bool {
    name.to_str().is_some_and(|name| {
        name.strip_prefix(prefix)
            .and_then(|rest| rest.strip_suffix(SUFFIX))
            .is_some_and(|random| random.len() == RANDOM)
    })
}

fn prefix(document: &Path) -> String {
    let name = document.file_name().unwrap_or_default();
    let hash = xxhash_rust::xxh3::xxh3_64(name.as_encoded_bytes()) as u32;
    let start: String = name
        .to_string_lossy()
        .chars()
        .filter(|letter| *letter != char::REPLACEMENT_CHARACTER)
        .take(32)
        .collect();
    format!(".{start}.{hash:08x}.")
}

#[cfg(test)]
mod tests {
    use super::{Temporary, is_temporary, prefix, sweep};
    use std::path::Path;

    #[test]
    fn names_stay_short_and_apart() {
        let long = "\u{1f980}".repeat(63);
        let name = prefix(Path::new(&long));
        assert!(name.len() + super::RANDOM + super::SUFFIX.len() < 255);
        assert_ne!(
            prefix(Path::new(&"a".repeat(100))),
            prefix(Path::new(&"a".repeat(101)))
        );
    }

    #[test]
    fn a_sweep_takes_orphans_only() {
        let dir = tempfile::tempdir().unwrap();
        let document = dir.path().join("state.json");
        let orphan = Temporary::create(&document, None).unwrap().path;
        let in_use = Temporary::create(&document, None).unwrap();
        let others = Temporary::create(&dir.path().join("state.json.bak"), None)
            .unwrap()
            .path;
        sweep(&document);
        assert!(!orphan.exists());
        assert!(in_use.path.exists());
        assert!(others.exists());
        assert!(is_temporary(
            &in_use.path.file_name().unwrap().to_owned(),
            &prefix(&document)
        ));
    }
}
