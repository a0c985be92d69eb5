//! Settles a transaction whose owner died.

use std::io;
use std::path::{Path, PathBuf};

use super::appends::Whose;
use super::apply::{apply, remove_all_temporaries, undo};
use super::change::Action;
use super::manifest::{Found, Id, Manifest, State};
use super::mark::Mark;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{self, EventKind};
use crate::lockfile::Identity;
use crate::oslock::{AcquireError, Backoff, PathLock, RawGuard, WaitPolicy};
use crate::recovery::block::clear_pending;
use crate::recovery::handover;
use crate::sys;

/// The directory's lock file is marked first and unmarked last. So the next
/// transaction there learns of a dead one, too.
const DIRECTORY: &str = ".untorn";
const DIRECTORY_LOCK: &str = ".untorn.lock";

/// Returns the lock of a directory: transactions there follow one another.
pub(crate) fn directory_lock(dir: &Path) -> PathLock {
    PathLock::at(dir, dir.join(DIRECTORY_LOCK))
}

/// Returns the lock of a file in it.
pub(crate) fn member_lock(path: &Path) -> PathLock {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    PathLock::at(path, PathBuf::from(lock_path))
}

/// Judges a mark that was found under the lock. Returns `Some` if a transaction
/// must be settled, which takes other locks. A mark of a transaction that has
/// ended, or hardly began, does not count.
pub(crate) fn look(lock_path: &Path, mark: Mark) -> Result<Option<Id>> {
    let (dir, id) = (dir_of(lock_path), Id(mark.transaction));
    match find(lock_path)? {
        Found::Whole(manifest, _) if manifest.id == id => return Ok(Some(id)),
        Found::Foreign(other) if other == id => {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                "recover",
                &State::Committed.path(dir),
                "a transaction of another user was cut off by a crash, and that user has no right \
                 to all of its files as this user sees them, so only that user's next lock settles \
                 it; to give it up, remove this file; nothing was changed",
            ));
        }
        _ => remove_all_temporaries(dir, id),
    }
    Ok(None)
}

/// Looks for a manifest with the first lock in this process. After a power cut
/// there is a manifest, but no mark, since lock files are never synced. Returns
/// `Some` as [`look`] does.
pub(crate) fn look_for_manifest(lock_path: &Path) -> Result<Option<Id>> {
    let Found::Whole(manifest, _) = find(lock_path)? else {
        return Ok(None);
    };
    let name = lock_path.file_name().and_then(|name| name.to_str());
    let name = name.and_then(|name| name.strip_suffix(".lock"));
    let concerned = name == Some(DIRECTORY)
        || manifest
            .changes
            .iter()
            .any(|change| Some(&change.name[..]) == name);
    Ok(concerned.then_some(manifest.id))
}

/// Finds the manifest next to this lock file.
fn find(lock_path: &Path) -> Result<Found> {
    let dir = dir_of(lock_path);
    match Manifest::find(dir).map_err(|error| unreadable(dir, error))? {
        // Nothing was changed yet. If the directory's lock is ours, its owner
        // is dead. Under another lock, the owner may be at work right now.
        Found::Unfinished(state) if lock_path.file_name() == Some(DIRECTORY_LOCK.as_ref()) => {
            let path = state.path(dir);
            sys::unlink(&path).map_err(|error| Error::os("recover", &path, error))?;
            Ok(Found::Nothing)
        }
        found => Ok(found),
    }
}

/// Returns the offset from which the end of a marked journal is not decided
/// yet, for a reader without the lock.
pub(crate) fn append_from(lock_path: &Path, journal: Identity) -> io::Result<Option<u64>> {
    let Found::Whole(manifest, _) = Manifest::find(dir_of(lock_path))? else {
        return Ok(None);
    };
    Ok(manifest
        .changes
        .iter()
        .find_map(|change| match change.action {
            Action::Append { to, start, .. } if journal == to => Some(start),
            _ => None,
        }))
}

/// Settles the transaction of this number, if that is still due. The caller
/// holds the lock of no member of it.
pub(crate) fn settle(lock_path: &Path, id: Id, wait: &WaitPolicy<'_>) -> Result<()> {
    settle_in(dir_of(lock_path), id, false, wait)
}

/// Does the same for a caller that already holds the directory's lock. It has
/// held the lock for a while, with its own transactions.
pub(crate) fn settle_directory(dir: &Path, wait: &WaitPolicy<'_>) -> Result<()> {
    match find(&dir.join(DIRECTORY_LOCK))? {
        Found::Whole(manifest, _) => settle_in(dir, manifest.id, true, wait),
        _ => Ok(()),
    }
}

fn settle_in(dir: &Path, id: Id, has_directory: bool, wait: &WaitPolicy<'_>) -> Result<()> {
    let settler = PathLock::at(dir, dir.join(".untorn.settle.lock"));
    let directory = directory_lock(dir);
    let has_directory = has_directory || directory.is_held_by_caller("recover", wait)?;
    let mut backoff = None;
    loop {
        if wait.is_cancelled() {
            return Err(Error::cancelled("recover", dir));
        }
        // Nothing is ever pending in its own file.
        let settling = handover::acquire_unsettled(&settler, "recover", wait)?;
        let Some((manifest, _)) = whole(dir, id)? else {
            return Ok(());
        };
        let mut locked = Vec::with_capacity(manifest.changes.len() + 1);
        for change in &manifest.changes {
            let member = member_lock(&dir.join(&change.name));
            locked.push(handover::acquire_unsettled(&member, "recover", wait)?);
        }
        // Its owner lives if it holds the directory's lock. Then a program has
        // removed the lock file of a member, and this process has the lock of a
        // new one.
        let owner_is_dead = has_directory
            || match handover::try_unsettled(&directory, "recover", wait)? {
                Some(held) => {
                    locked.push(held);
                    true
                }
                None => false,
            };
        if owner_is_dead {
            return settle_under(dir, id, &locked);
        }
        // The wait is without these locks, and has an end. The holder of the
        // directory's lock may wait for a lock that our caller holds.
        drop((locked, settling));
        backoff
            .get_or_insert_with(|| Backoff::new(wait))
            .sleep(wait)
            .map_err(|why| directory.refusal("recover", AcquireError::from(why), wait))
            .map_err(|error| handover::name_heir(&directory, error))?;
    }
}

/// Settles it under all the locks.
fn settle_under(dir: &Path, id: Id, locked: &[RawGuard]) -> Result<()> {
    // It looks once more: the transaction may have ended during the wait for
    // the locks.
    if let Some((manifest, state)) = whole(dir, id)? {
        match state {
            State::Preparing => undo(dir, &manifest)?,
            State::Committed => {
                let unsynced = apply(dir, &manifest, Whose::Dead)?;
                if let Some(error) = unsynced {
                    return Err(error);
                }
            }
        }
        let path = state.path(dir);
        sys::unlink(&path).map_err(|error| Error::os("recover", &path, error))?;
        events::emit(EventKind::Recovered, "recover", dir, |event| {
            let done = match state {
                State::Preparing => "taken back",
                State::Committed => "finished",
            };
            let names = manifest.changes.iter().map(|change| change.name.as_str());
            let names: Vec<_> = names.collect();
            event.detail = Some(format!("a transaction was {done}: {}", names.join(", ")));
        });
    }
    for lock in locked {
        unmark(lock, id);
    }
    Ok(())
}

/// Returns the manifest with this number, if it exists and is whole.
fn whole(dir: &Path, id: Id) -> Result<Option<(Manifest, State)>> {
    match Manifest::find(dir).map_err(|error| unreadable(dir, error))? {
        Found::Whole(manifest, state) if manifest.id == id => Ok(Some((manifest, state))),
        _ => Ok(None),
    }
}

/// Takes the mark off a member whose lock is held. Best effort: a mark that
/// stays does not count, and the next locker takes it off.
fn unmark(member: &RawGuard, id: Id) {
    let lock = member.lock_file();
    let Ok(file) = lock.file() else { return };
    let marked = matches!(Mark::read(file), Ok(Some(mark)) if mark.transaction == id.0);
    if marked && lock.is_writable() {
        let _ = clear_pending(file);
    }
}

fn dir_of(lock_path: &Path) -> &Path {
    lock_path.parent().unwrap_or(Path::new("."))
}

#[cold]
fn unreadable(dir: &Path, error: std::io::Error) -> Error {
    let path: PathBuf = State::Committed.path(dir);
    Error::os("recover", &path, error).hint(
        "a transaction in this directory was cut off by a crash, and its content can't be read",
    )
}
