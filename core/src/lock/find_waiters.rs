//! Finds the processes that wait for a file's lock, and all held locks below a directory.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::find_holder::holder;
use crate::error::{Error, Result};
use crate::holder::Holder;
use crate::oslock::find_holder;
use crate::oslock::scheme::{in_place, pid_file, sidecar};
use crate::process::Process;
use crate::sys;

/// The end of a lock file's name, and of the file with its holders.
const LOCK: &str = ".lock";
const HOLDER: &str = ".holder";
/// A lock file of untorn has a first block of this length, so a shorter one may be a
/// pid file.
const FIRST_BLOCK: u64 = 64;

/// A lock that is held: see [`held_below`].
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// let guard = untorn::FileLock::acquire(dir.path().join("s.json"))?;
/// for held in untorn::held_below(dir.path())? {
///     println!("{}: held by {}", held.path.display(), held.holder);
/// }
/// # drop(guard);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The file whose lock it is.
    pub path: PathBuf,
    /// The process that holds it.
    pub holder: Holder,
    /// The processes that wait for it, as far as they are known: see [`waiters`].
    pub waiters: Vec<Process>,
}

/// Returns the processes that wait for this file's lock. Only Linux reports them. Not
/// reported are processes that wait in the scheme `pid-file`, which ask again and again,
/// and processes of another container.
///
/// # Errors
/// `NOT_FOUND`: the directory is missing, or the path can't be resolved.
pub fn waiters(path: impl AsRef<Path>) -> Result<Vec<Process>> {
    let path = path.as_ref();
    let real = sys::real_path(path).map_err(|error| Error::os("waiters", path, error))?;
    let lock = sidecar::lock_path(&real);
    let files = [
        pid_file::guard_path(&lock),
        in_place::redo_path(&real),
        lock,
        real,
    ];
    let ids = files.iter().filter_map(|file| sys::stat(file).ok()?);
    let ids: Vec<_> = ids.map(|stat| stat.id).collect();
    Ok(find_holder::waiters(&ids))
}

/// Returns all locks below a directory that a process holds, in order of path. Symbolic
/// links are not followed. Elsewhere than on Linux, only locks whose holder left a line
/// in `P.holder` are found, and locks of the scheme `pid-file`.
///
/// # Errors
/// Failures of the system to list the directory. A directory below it that can't be
/// listed is left out.
pub fn held_below(dir: impl AsRef<Path>) -> Result<Vec<Held>> {
    let dir = dir.as_ref();
    let locks = sys::lock_table().unwrap_or_default();
    let locked: HashSet<_> = locks
        .iter()
        .map(|lock| (lock.id.device, lock.id.inode))
        .collect();
    let mut paths = Vec::new();
    let names = sys::list_kinds(dir).map_err(|error| Error::os("held", dir, error))?;
    walk(dir, names, &locked, &mut paths);
    paths.sort();
    paths.dedup();
    let mut held = Vec::new();
    for path in paths {
        // It may have been released meanwhile, or its directory removed.
        let Ok(Some(holder)) = holder(&path) else {
            continue;
        };
        let waiters = waiters(&path).unwrap_or_default();
        held.push(Held {
            path,
            holder,
            waiters,
        });
    }
    Ok(held)
}

type Names = Vec<(std::ffi::OsString, Option<bool>)>;

fn walk(dir: &Path, names: Names, locked: &HashSet<(u64, u64)>, paths: &mut Vec<PathBuf>) {
    for (name, is_dir) in names {
        let path = dir.join(&name);
        match is_dir {
            None => {}
            Some(true) => {
                let below = sys::list_kinds(&path).unwrap_or_default();
                walk(&path, below, locked, paths);
            }
            Some(false) => {
                let Ok(Some(stat)) = sys::look(&path) else {
                    continue;
                };
                let text = name.to_string_lossy();
                let of = |end| text.strip_suffix(end).filter(|name| !name.is_empty());
                let is_locked = locked.contains(&(stat.id.device, stat.id.inode));
                let may_be_pid_file = (1..FIRST_BLOCK).contains(&stat.size);
                match (of(LOCK), of(HOLDER)) {
                    (Some(name), _) if is_locked || may_be_pid_file => {
                        paths.push(dir.join(name));
                    }
                    (_, Some(name)) => paths.push(dir.join(name)),
                    (None, None) if is_locked => paths.push(path),
                    _ => {}
                }
            }
        }
    }
}
