//! Several files as they are at one instant.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory;
use crate::document::Version;
use crate::error::{Error, Result};
use crate::journal::Records;
use crate::journal::{self, JournalOptions};
use crate::lock::CallOptions;
use crate::lockfile::{self, Generation};
use crate::recovery::transaction::{member_lock, names};
use crate::sys::{self, Access, File, Lasting};

/// The files of a directory as they were at one instant.
///
/// It holds them open, and no lock: others go on working.
///
/// ```
/// use untorn::{Transaction, snapshot};
/// # let dir = tempfile::tempdir()?;
/// let mut tx = Transaction::begin(dir.path())?;
/// tx.save("state.json", b"1")?;
/// tx.append("log.jsonl", ["1"])?;
/// tx.commit()?;
/// let both = snapshot(dir.path())?;
/// assert_eq!(both.load("state.json")?.expect("it exists").0, b"1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Snapshot {
    dir: PathBuf,
    files: BTreeMap<String, Taken>,
}

struct Taken {
    file: Arc<Lasting>,
    size: u64,
    /// The end of its last line.
    lines: u64,
    /// The generation in its lock file.
    generation: Option<Generation>,
}

/// Takes all files of `dir` as they are at one instant. It works under the
/// directory's lock and, for a moment, under the locks of all files that have
/// been locked before. It leaves out this library's own files, directories, names
/// that lead out of the directory, and names that are not UTF-8.
///
/// # Errors
/// `NOT_FOUND` if the directory is missing, `DEADLOCK` if this thread holds the
/// lock of one of the files, and failures of the system. All files are open at
/// once, so a limit of open files may be reached.
pub fn snapshot(dir: impl AsRef<Path>) -> Result<Snapshot> {
    snapshot_with(dir, &CallOptions::new())
}

/// Takes a snapshot as [`snapshot`] does. The call says how to wait or cancel, or
/// holds the directory's lock.
///
/// # Errors
/// The same, and `LOCK_TIMEOUT`, `LOCKED`, `CANCELLED`.
pub fn snapshot_with(dir: impl AsRef<Path>, call: &CallOptions<'_>) -> Result<Snapshot> {
    let dir = directory::resolve("snapshot", dir.as_ref())?;
    let wait = call.begin(None);
    // Under this lock no other call takes the locks of several files here.
    let _alone = directory::enter("snapshot", &dir, call, &wait)?;
    let listed = sys::list(&dir).map_err(|error| Error::os("snapshot", &dir, error))?;
    let mut members: Vec<&str> = listed
        .iter()
        .filter_map(|name| name.to_str())
        .filter(|name| !names::is_reserved(name))
        .collect();
    members.sort_unstable();
    let names: HashSet<&OsStr> = listed.iter().map(|name| &name[..]).collect();
    let mut held = Vec::new();
    let mut recorded = BTreeMap::new();
    for name in &members {
        let path = dir.join(name);
        let there = |path: &Path| Ok(path.file_name().is_some_and(|name| names.contains(name)));
        directory::forbid_other_scheme("snapshot", &path, there)?;
        let lock = member_lock(&path);
        let os_error = |error| Error::os("snapshot", lock.lock_path(), error);
        // A file without a lock file has never been locked, so this library does
        // not change it. The look creates no lock file.
        if sys::stat(lock.lock_path()).map_err(os_error)?.is_none() {
            continue;
        }
        let guard = lock.acquire("snapshot", true, &wait)?;
        let file = guard.lock_file().file().map_err(os_error)?;
        recorded.insert(*name, lockfile::read_generation(file).map_err(os_error)?);
        held.push(guard);
    }
    // The instant: all programs that take the locks stand still.
    let mut files = BTreeMap::new();
    for name in members {
        let path = dir.join(name);
        let os_error = |error| Error::os("snapshot", &path, error);
        // A link is another name for one of the files, or for one elsewhere.
        if sys::is_link(&path).map_err(os_error)?
            || sys::stat(&path)
                .map_err(os_error)?
                .is_none_or(|stat| !stat.is_file)
        {
            continue;
        }
        let file = match File::open(&path, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            result => result.map_err(os_error)?,
        };
        let size = file.size().map_err(os_error)?;
        let taken = Taken {
            size,
            lines: journal::member::last_line_end(&file, size).map_err(os_error)?,
            file: Arc::new(Lasting::of(file).map_err(os_error)?),
            generation: recorded.get(name).copied().flatten(),
        };
        files.insert(name.to_owned(), taken);
    }
    drop(held);
    Ok(Snapshot { dir, files })
}

impl Snapshot {
    /// Returns the directory, with every symbolic link resolved.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the names of the files in the snapshot, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(|name| &name[..])
    }

    /// Returns the bytes that a file had, and their version; `None` if it was
    /// missing.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name that is not one of a file in the directory,
    /// and failures of the system.
    pub fn load(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>> {
        let Some((path, taken)) = self.find("load", name)? else {
            return Ok(None);
        };
        let os_error = |error| Error::os("load", &path, error);
        let bytes = taken.file.read_first(taken.size).map_err(os_error)?;
        let version = Version::of(&bytes);
        Ok(Some((bytes, version)))
    }

    /// Returns the records that a journal had, with the default options.
    ///
    /// # Errors
    /// As [`Snapshot::load`].
    pub fn records(&self, name: &str) -> Result<Records> {
        self.records_as(name, &JournalOptions::default())
    }

    /// Returns the records that a journal of these options had. A missing journal
    /// has none.
    ///
    /// # Errors
    /// As [`Snapshot::load`].
    pub fn records_as(&self, name: &str, options: &JournalOptions) -> Result<Records> {
        let path = self.dir.join(directory::member("read", &self.dir, name)?);
        directory::check_scheme("read", &path, options)?;
        let taken = self
            .find("read", name)?
            .map(|(_, taken)| (Arc::clone(&taken.file), taken.lines, taken.generation));
        journal::member::records(&path, options, taken)
    }

    fn find(&self, operation: &'static str, name: &str) -> Result<Option<(PathBuf, &Taken)>> {
        let name = directory::member(operation, &self.dir, name)?;
        Ok(self
            .files
            .get(&name)
            .map(|taken| (self.dir.join(name), taken)))
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("dir", &self.dir)
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}
