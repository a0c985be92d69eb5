//! The directory of a transaction: its lock, and the files that names mean there.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::JournalOptions;
use crate::lock::{CallOptions, GuardState, lost_lock};
use crate::oslock::LockFile;
use crate::oslock::Scheme;
use crate::oslock::WaitPolicy;
use crate::oslock::{PathLock, RawGuard, held_in};
use crate::recovery::transaction::{directory_lock, names, settle_directory};
use crate::sys::{self, PerProcess};

/// The directories that this process has swept of orphans.
static SWEPT: PerProcess<Mutex<HashSet<PathBuf>>> = PerProcess::new();

/// The directory's lock. Transactions there hold it one after another.
pub(super) enum DirectoryLock {
    Own(RawGuard),
    Given(Arc<GuardState>),
}

/// Makes the directory and its parents.
pub(super) fn make(dir: &Path, durability: Durability) -> Result<()> {
    if dir.as_os_str().is_empty() {
        // An empty path is no name for the working directory.
        return Ok(());
    }
    sys::create_parents(&dir.join("-"), durability == Durability::Power)
        .map_err(|error| Error::os("begin", dir, error))
}

/// Returns the directory with every symbolic link resolved.
pub(super) fn resolve(operation: &'static str, dir: &Path) -> Result<PathBuf> {
    let real = sys::canonical(dir).map_err(|error| {
        let made = Error::os(operation, dir, error);
        match made.kind() {
            ErrorKind::NotFound if operation == "begin" => {
                made.hint("the directory does not exist: make it, or begin with `parents`")
            }
            ErrorKind::NotFound => made.hint("the directory does not exist"),
            _ => made,
        }
    })?;
    let stat = sys::stat(&real).map_err(|error| Error::os(operation, dir, error))?;
    match stat {
        Some(stat) if stat.is_file => Err(Error::invalid_argument(
            operation,
            dir,
            "not a directory: a transaction is on the files of one directory",
        )),
        _ => Ok(real),
    }
}

/// Takes the lock and settles what a dead process has left.
pub(super) fn enter(
    operation: &'static str,
    dir: &Path,
    call: &CallOptions<'_>,
    wait: &WaitPolicy<'_>,
) -> Result<DirectoryLock> {
    let sidecar = directory_lock(dir);
    let lock = match call.guard() {
        // The acquisition settles what a dead process has left.
        None => DirectoryLock::Own(acquire(operation, dir, &sidecar, wait)?),
        Some(kept) => {
            let given = DirectoryLock::Given(Arc::clone(kept));
            given.check(operation, dir)?;
            settle_directory(dir, wait)?;
            given
        }
    };
    sweep(dir);
    Ok(lock)
}

/// Waits for the directory's lock. Fails with `DEADLOCK` instead if this thread
/// has the lock of a file there: the holder of the directory's lock may wait for
/// that one.
fn acquire(
    operation: &'static str,
    dir: &Path,
    lock: &PathLock,
    wait: &WaitPolicy<'_>,
) -> Result<RawGuard> {
    let own = held_in(dir, wait).filter(|own| {
        let name = own.file_name().and_then(|name| name.to_str());
        // A transaction never waits for the lease of a session.
        name.is_some_and(|name| !name.starts_with(".untorn."))
    });
    let Some(own) = own.filter(|_| !wait.tries_once()) else {
        return lock.acquire(operation, false, wait);
    };
    match lock.try_settled(operation, wait)? {
        Some(held) => Ok(held),
        None => Err(Error::new(
            ErrorKind::Deadlock,
            operation,
            dir,
            format!(
                "this thread holds the lock {}, and the holder of the directory's lock may wait \
                 for it: begin the transaction or snapshot first, or release that lock",
                own.display()
            ),
        )),
    }
}

/// Checks the scheme of a transaction's members, and of a snapshot's files.
pub(super) fn check_scheme(
    operation: &'static str,
    path: &Path,
    journals: &JournalOptions,
) -> Result<()> {
    match journals.scheme_of() {
        Scheme::Sidecar => Ok(()),
        other => Err(Error::invalid_argument(
            operation,
            path,
            format!(
                "transactions and snapshots take the locks of the scheme sidecar: in the scheme \
                 {other} they would exclude no process"
            ),
        )),
    }
}

/// Refuses a file that other programs lock in another scheme. Those locks exclude
/// none of ours.
pub(super) fn forbid_other_scheme(
    operation: &'static str,
    path: &Path,
    is_there: impl Fn(&Path) -> io::Result<bool>,
) -> Result<()> {
    for (ending, scheme) in [(".redo", Scheme::InPlace), (".lock.guard", Scheme::PidFile)] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(ending);
        let beside = PathBuf::from(beside);
        if is_there(&beside).map_err(|error| Error::os(operation, &beside, error))? {
            return Err(Error::invalid_argument(
                operation,
                path,
                format!(
                    "{} exists, so this file is locked in the scheme {scheme}, and transactions \
                     and snapshots take the locks of the scheme sidecar; if no program does that \
                     any more, remove that file",
                    beside.display()
                ),
            ));
        }
    }
    Ok(())
}

impl DirectoryLock {
    /// Checks that this process still holds the lock.
    pub fn check(&self, operation: &'static str, dir: &Path) -> Result<()> {
        match self {
            DirectoryLock::Own(held) if held.is_ours() => {
                match directory_lock(dir).names(operation, held)? {
                    true => Ok(()),
                    false => Err(lost_lock(operation, dir)),
                }
            }
            DirectoryLock::Own(_) => Err(Error::invalid_argument(
                operation,
                dir,
                "the transaction belongs to the process that this one was forked from",
            )),
            DirectoryLock::Given(kept) => kept
                .work(operation, dir, &directory_lock(dir))
                .map(drop)
                .map_err(|error| {
                    error.hint(
                        "a transaction works under the lock of its directory, `.untorn.lock`; the \
                         transaction itself takes the lock of a file in it",
                    )
                }),
        }
    }

    /// Works with the lock's file.
    pub fn with<T>(&self, dir: &Path, work: impl FnOnce(LockFile<'_>) -> Result<T>) -> Result<T> {
        match self {
            DirectoryLock::Own(held) => work(held.lock_file()),
            DirectoryLock::Given(kept) => {
                let held = kept.work("commit", dir, &directory_lock(dir))?;
                match &*held {
                    Some(held) => work(held.lock_file()),
                    None => Err(Error::internal("commit", dir, "the lock is gone")),
                }
            }
        }
    }
}

/// Removes the files of transactions that died before their manifest. Best
/// effort, since nothing depends on it. No other transaction is at work here: the
/// directory's lock is held.
fn sweep(dir: &Path) {
    let fresh = SWEPT
        .get(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(dir.to_owned());
    if !fresh {
        return;
    }
    for name in sys::list(dir).unwrap_or_default() {
        let path = dir.join(&name);
        if name.to_str().is_some_and(names::is_left_behind)
            && matches!(sys::is_ours_to_remove(&path), Ok(true))
        {
            let _ = sys::unlink(&path);
        }
    }
}

/// Returns the file of the directory that a name means. Symbolic links are
/// followed, but not out of the directory.
pub(super) fn member(operation: &'static str, dir: &Path, name: &str) -> Result<String> {
    let path = dir.join(name);
    let refuse = |path: &Path, detail: &str| Err(Error::invalid_argument(operation, path, detail));
    if !names::is_plain(name) {
        return refuse(
            Path::new(name),
            "not the name of a file in the transaction's directory: no separator, no `..`",
        );
    }
    let reserved = "this name is one of those that untorn keeps next to its files";
    if names::is_reserved(name) {
        return refuse(&path, reserved);
    }
    let real = sys::real_path(&path).map_err(|error| Error::os(operation, &path, error))?;
    let inside = real.parent() == Some(dir);
    let Some(real) = real.file_name().filter(|_| inside) else {
        return refuse(
            &path,
            "a symbolic link that leads out of the directory: a transaction is on the files of one",
        );
    };
    match real.to_str() {
        None => refuse(&path, "a name that is not UTF-8 can't take part"),
        Some(real) if names::is_reserved(real) => refuse(&path, reserved),
        Some(real) => Ok(real.to_owned()),
    }
}
