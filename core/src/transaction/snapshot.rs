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
use crate::lock::Call;
use crate::lockfile::{self, Generation};
use crate::recovery::transaction::{member_lock, names};
use crate::sys::{self, Access, File};

/// The files of a directory as they were at one instant.
///
/// It holds them open, and no lock: others go on working.
pub struct Snapshot {
    dir: PathBuf,
    files: BTreeMap<String, Taken>,
}

struct Taken {
    file: Arc<File>,
    size: u64,
    /// Where its last line ended.
    lines: u64,
    /// What its lock file said.
    generation: Option<Generation>,
}

/// Takes all files of `dir` as they are at one instant: under the directory's
/// lock and, for a moment, under the locks of all files that have been locked
/// before. What is reserved for this library, directories, and names that lead
/// out of the directory or are not UTF-8 are left out.
///
/// # Errors
/// `NOT_FOUND` if the directory is missing, `DEADLOCK` if this thread holds the lock
/// of one of the files, and failures of the system: all files are open at once.
pub fn snapshot(dir: impl AsRef<Path>) -> Result<Snapshot> {
    snapshot_with(dir, &Call::new())
}

/// [`snapshot`], with a way to wait, to cancel, or under the directory's lock, if
/// that is held already.
///
/// # Errors
/// The same, and `LOCK_TIMEOUT`, `LOCKED`, `CANCELLED`.
pub fn snapshot_with(dir: impl AsRef<Path>, call: &Call<'_>) -> Result<Snapshot> {
    let dir = directory::resolve("snapshot", dir.as_ref())?;
    let patience = call.begin(None);
    // Nobody else takes the locks of several files here meanwhile.
    let _alone = directory::enter("snapshot", &dir, call, &patience)?;
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
        let told = |error| Error::os("snapshot", lock.lock_path(), error);
        // One that nobody has ever locked is not changed by this library; and a
        // look leaves no lock file behind.
        if sys::stat(lock.lock_path()).map_err(told)?.is_none() {
            continue;
        }
        let guard = lock.acquire("snapshot", true, &patience)?;
        let file = guard.lock_file().file().map_err(told)?;
        recorded.insert(*name, lockfile::read_generation(file).map_err(told)?);
        held.push(guard);
    }
    // The instant: all that take the locks stand still.
    let mut files = BTreeMap::new();
    for name in members {
        let path = dir.join(name);
        let told = |error| Error::os("snapshot", &path, error);
        // Another name for one of the files, or for one elsewhere.
        if sys::is_link(&path).map_err(told)?
            || sys::stat(&path)
                .map_err(told)?
                .is_none_or(|stat| !stat.is_file)
        {
            continue;
        }
        let file = match File::open(&path, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            result => result.map_err(told)?,
        };
        let size = file.size().map_err(told)?;
        let taken = Taken {
            size,
            lines: journal::member::last_line_end(&file, size).map_err(told)?,
            file: Arc::new(file),
            generation: recorded.get(name).copied().flatten(),
        };
        files.insert(name.to_owned(), taken);
    }
    drop(held);
    Ok(Snapshot { dir, files })
}

impl Snapshot {
    /// The directory, with every symbolic link resolved.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The files that were there, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(|name| &name[..])
    }

    /// The bytes that a file had, and the version that they are; `None` if it was
    /// not there.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for what is not the name of a file in the directory, and
    /// failures of the system.
    pub fn load(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>> {
        let Some((path, taken)) = self.find("load", name)? else {
            return Ok(None);
        };
        let told = |error| Error::os("load", &path, error);
        let bytes = taken.file.read_first(taken.size).map_err(told)?;
        let version = Version::of(&bytes);
        Ok(Some((bytes, version)))
    }

    /// The records that a journal had, with the default options.
    ///
    /// # Errors
    /// As [`Snapshot::load`].
    pub fn records(&self, name: &str) -> Result<Records> {
        self.records_as(name, &JournalOptions::default())
    }

    /// The records that a journal of these options had. Of one that was not
    /// there: none.
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
