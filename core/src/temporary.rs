//! The temporary that takes a file's place: its name, its owner, its orphans.
//!
//! Its name is `.<start of the file's name>.<hash of its
//! name>.<random>.untorn`, in the file's own directory. It is locked for as
//! long as its writer lives. The random part keeps two writers apart. The name
//! is cut short, so that it does not exceed 255 bytes if the file's own name
//! does not.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::background;
use crate::events::{self, EventKind};
use crate::sys::{self, Access, Descriptor, File, PerProcess};

const SUFFIX: &str = ".untorn";
const RANDOM: usize = 12;
const HASH: usize = 8;
/// How many temporaries may be lost to sweeps.
const TRIES: u32 = 100;

/// The interval at which a process that lives long sweeps a directory.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);
/// From this size on, in bytes, a directory is swept by a thread of the library. It is
/// that of some hundred files on ext4, and of 1,600 on tmpfs.
const LARGE: u64 = 32 << 10;
/// How many directories are remembered: a store may have any number.
const REMEMBERED: usize = 4096;

static SWEPT: PerProcess<Mutex<Swept>> = PerProcess::new();

/// When this process swept each directory, by the hash of its path. To read the
/// directory at each save would cost more than the save.
#[derive(Default)]
struct Swept(HashMap<u64, Instant>);

impl Swept {
    /// Returns whether it is time to sweep this directory, and then counts it
    /// as swept.
    fn is_due(&mut self, dir: &Path, now: Instant) -> bool {
        let hash = xxhash_rust::xxh3::xxh3_64(dir.as_os_str().as_encoded_bytes());
        match self.0.get(&hash) {
            Some(then) if now.saturating_duration_since(*then) < SWEEP_EVERY => return false,
            None if self.0.len() >= REMEMBERED => self.0.clear(),
            _ => {}
        }
        self.0.insert(hash, now);
        true
    }
}

/// The rights that a temporary gets.
#[derive(Clone, Copy)]
pub(crate) enum Rights<'a> {
    /// Those of the file that it replaces, and its attributes.
    Like(&'a sys::Attributes),
    /// This mode, or 0666 less the umask.
    Mode(Option<u32>),
}

impl<'a> Rights<'a> {
    /// Returns the rights of the file that it replaces, if there is one; else
    /// this mode.
    pub fn of(like: Option<&'a sys::Attributes>, mode: Option<u32>) -> Rights<'a> {
        like.map_or(Rights::Mode(mode), Rights::Like)
    }

    pub fn create(self, path: &Path) -> io::Result<File> {
        match self {
            Rights::Like(like) => File::create_like(path, Access::Write, like),
            Rights::Mode(mode) => File::create_new(path, Access::Write, mode),
        }
    }

    /// Creates one that a forked child must not have.
    fn create_listed(self, path: &Path) -> io::Result<Descriptor> {
        match self {
            Rights::Like(like) => Descriptor::create_like(path, Access::Write, like),
            Rights::Mode(mode) => Descriptor::create_new(path, Access::Write, mode),
        }
    }

    /// Completes the rights. It must be called when all is written: a write
    /// takes set-id rights away.
    pub fn complete(self, file: &File) -> io::Result<()> {
        match self {
            Rights::Like(like) if like.mode & 0o7000 != 0 => file.set_attributes(like),
            _ => Ok(()),
        }
    }
}

pub(crate) struct Temporary {
    pub path: PathBuf,
    /// A forked child must not have it: the child would keep the lock, and the
    /// space of a file that is gone.
    pub file: Descriptor,
}

impl Temporary {
    /// Makes one next to `document`, and locks it.
    pub fn create(document: &Path, rights: Rights<'_>) -> io::Result<Temporary> {
        for _ in 0..TRIES {
            let path = path_beside(document);
            let file = match rights.create_listed(&path) {
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
                // A sweep came between the creation and the lock.
                Ok(false) => temporary.discard(),
                Err(error) => {
                    temporary.discard();
                    return Err(error);
                }
            }
        }
        // No sweep comes that often: the lock is refused (see
        // `File::try_lock`).
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn claim(&self) -> io::Result<bool> {
        match self.file.try_lock(false) {
            Ok(true) => Ok(self.file.links_and_size()?.0 > 0),
            Ok(false) => Ok(false),
            // Without locks there are no sweeps either (they lock first).
            Err(error) if sys::is_lock_unsupported(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Removes a temporary that was not renamed. If this fails, a later sweep
    /// finds it.
    pub fn discard(self) {
        let _ = sys::unlink(&self.path);
    }
}

/// Returns a free name, which a sweep takes for an orphan.
pub(crate) fn path_beside(document: &Path) -> PathBuf {
    let random = sys::random_word(RANDOM);
    document.with_file_name(prefix(document) + &random + SUFFIX)
}

/// Removes the remains of killed saves, for this document and others in its
/// directory, unless that was done lately. Best effort: nothing depends on it.
pub(crate) fn sweep(document: &Path) {
    let Some(dir) = document.parent() else {
        return;
    };
    let is_due = SWEPT
        .get(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .is_due(dir, Instant::now());
    if !is_due {
        return;
    }
    let is_large = matches!(sys::stat(dir), Ok(Some(seen)) if seen.size > LARGE);
    let dir = dir.to_owned();
    // Their documents are unknown, so the directory's rights count.
    let sweep = move || sweep_names(&dir, &dir, is_temporary);
    if is_large {
        // To list it takes longer than the save. Without a thread, the next sweep does it.
        let _ = background::spawn(sweep);
    } else {
        sweep();
    }
}

/// Removes the orphans of this document only, at once.
pub(crate) fn sweep_again(document: &Path) {
    let prefix = prefix(document);
    if let Some(dir) = document.parent() {
        sweep_names(dir, document, |name| {
            is_temporary(name) && name.starts_with(&prefix)
        });
    }
}

fn sweep_names(dir: &Path, of: &Path, wanted: impl Fn(&str) -> bool) {
    let Ok(names) = sys::list(dir) else {
        return;
    };
    let is_wanted = |name: &OsStr| name.to_str().is_some_and(&wanted);
    let mut swept = 0;
    for name in names.into_iter().filter(|name| is_wanted(name)) {
        let path = dir.join(name);
        // A file whose lock is not free is in use.
        if let Ok(file) = Descriptor::open_beside(&path, Access::Write).map(Descriptor::lock_aside)
            && matches!(file.may_be_believed(of), Ok(true))
            && matches!(file.try_lock(false), Ok(true))
        {
            swept += u64::from(sys::unlink(&path).is_ok());
        }
    }
    if swept > 0 {
        events::emit(EventKind::Swept, "recover", dir, |event| {
            event.count = Some(swept);
        });
    }
}

/// Returns whether the name is `.START.HASH.RANDOM.untorn`.
pub(crate) fn is_temporary(name: &str) -> bool {
    let parts = || {
        let mut parts = name
            .strip_prefix('.')?
            .strip_suffix(SUFFIX)?
            .rsplitn(3, '.');
        Some((parts.next()?, parts.next()?, parts.next()?))
    };
    parts().is_some_and(|(random, hash, _)| {
        random.len() == RANDOM
            && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && hash.len() == HASH
            && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
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
    use super::{REMEMBERED, Rights, SWEEP_EVERY, Swept, Temporary, prefix, sweep};
    use std::path::Path;
    use std::time::Instant;

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
        let orphan = |of: &str| {
            Temporary::create(&dir.path().join(of), Rights::Mode(None))
                .unwrap()
                .path
        };
        let orphans = [
            orphan("state.json"),
            orphan("state.json.bak"),
            orphan(".a.b."),
        ];
        let in_use = Temporary::create(&document, Rights::Mode(None)).unwrap();
        let others = [
            ".notes.untorn",
            ".state.json.0123abcd.short.untorn",
            ".0123abcd.abcdefghijkl.untorn",
            ".state.json.0123abcg.abcdefghijkl.untorn",
            "state.json.0123abcd.abcdefghijkl.untorn",
            ".state.json.0123abcd.abcdefghijk-.untorn",
        ]
        .map(|name| dir.path().join(name));
        others
            .iter()
            .for_each(|path| std::fs::write(path, "").unwrap());
        sweep(&document);
        assert!(orphans.iter().all(|orphan| !orphan.exists()));
        assert!(in_use.path.exists());
        assert!(others.iter().all(|other| other.exists()));
        // The next sweep is not at once, for any document.
        let orphan = orphan("state.json");
        sweep(&dir.path().join("other.json"));
        assert!(orphan.exists());
    }

    #[test]
    fn sweeps_come_again_and_are_not_remembered_for_ever() {
        let mut swept = Swept::default();
        let (begin, dir) = (Instant::now(), Path::new("/d"));
        assert!(swept.is_due(dir, begin));
        assert!(!swept.is_due(dir, begin));
        assert!(!swept.is_due(dir, begin + SWEEP_EVERY / 2));
        assert!(swept.is_due(dir, begin + SWEEP_EVERY));
        assert!(!swept.is_due(dir, begin + SWEEP_EVERY));
        for n in 0..100_000 {
            assert!(swept.is_due(&dir.join(n.to_string()), begin));
            assert!(swept.0.len() <= REMEMBERED);
        }
    }
}
