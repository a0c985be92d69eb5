//! Who holds the lock of a file: for messages, never for exclusion.
//!
//! Holders that mean to keep a lock write a line into `P.holder` (note.rs). For
//! those that do not (an append takes a microsecond) the system is asked.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::holder::Holder;
use crate::oslock::note;
use crate::oslock::scheme::{in_place, pid_file, sidecar};
use crate::process::{Alive, Process};
use crate::recovery::handover;
use crate::sys;

/// Who holds the lock of this file now; `None` if nobody does, or if it can't
/// be known.
///
/// # Errors
/// `NOT_FOUND` where the directory is missing, or the path can't be resolved.
pub fn holder(path: impl AsRef<Path>) -> Result<Option<Holder>> {
    let path = path.as_ref();
    let real = sys::real_path(path).map_err(|error| Error::os("holder", path, error))?;
    let holder_path = path_for(&real);
    // Whatever the scheme: the lock file, or else the file itself.
    let lock_path = sidecar::lock_path(&real);
    let held = of_lock(&lock_path, &holder_path).or_else(|| of_data(&real, &holder_path));
    // Held by nobody, it may be reserved for somebody.
    let guard = pid_file::guard_path(&lock_path);
    let records = [lock_path, in_place::redo_path(&real), guard];
    Ok(held.or_else(|| {
        let mut reserved = records.iter().filter_map(|path| handover::reserved(path));
        reserved
            .find(|reservation| reservation.to.alive() != Alive::Dead)
            .map(|reservation| reservation.to.into())
    }))
}

/// Who holds the lock on this file, whose holders leave their lines there.
pub(crate) fn of_lock(lock_path: &Path, holder_path: &Path) -> Option<Holder> {
    let notes = note::read(holder_path).unwrap_or_default();
    let stat = sys::stat(lock_path).ok()??;
    if let Some(owner) = of_owners(stat.id, &notes) {
        return Some(owner);
    }
    if let Some(stamp) = pid_file::stamp_of(lock_path) {
        // The scheme pid-file: its file itself says who.
        let noted = notes.iter().find(|note| note.pid == stamp.pid);
        return match stamp.alive() {
            Alive::Dead => None,
            _ if noted.is_some() => noted.cloned(),
            Alive::Alive => Some(Holder::from(Process::of(stamp.pid))),
            Alive::Unknown => Some(Holder::from(Process {
                start: None,
                boot: None,
                namespace: None,
                host: None,
                ..Process::of(stamp.pid)
            })),
        };
    }
    // Another system, another host or another pid namespace: believe the line
    // unless its process is known to be dead.
    notes.into_iter().find(|note| note.alive() != Alive::Dead)
}

/// Who holds the lock that is on the data itself. Whatever the data says, it is
/// no stamp.
fn of_data(path: &Path, holder_path: &Path) -> Option<Holder> {
    let notes = note::read(holder_path).unwrap_or_default();
    let stat = sys::stat(path).ok()??;
    of_owners(stat.id, &notes)
}

/// Who holds a lock on this file as the system knows it, by his line if he has
/// left one.
fn of_owners(id: sys::FileId, notes: &[Holder]) -> Option<Holder> {
    let owners = owners(id);
    for owner in &owners {
        let process = Process::of(owner.pid);
        // A line of an earlier process with this pid has another start.
        let noted = notes
            .iter()
            .find(|note| note.pid == owner.pid && note.start == process.start);
        if let Some(noted) = noted {
            return Some(noted.clone());
        }
    }
    Some(Holder::from(Process::of(owners.first()?.pid)))
}

/// Who holds a lock on this file, as the system knows it. The system's table
/// comes in pieces, and a line is missed if another goes away between two of
/// them: so an empty answer is asked for again.
fn owners(id: sys::FileId) -> Vec<sys::LockOwner> {
    let answers = std::iter::repeat_with(|| sys::lock_owners(id));
    let known = answers.take(4).find(|owners| !owners.is_empty());
    known.unwrap_or_default()
}

/// `P.holder`.
pub(crate) fn path_for(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".holder");
    PathBuf::from(name)
}

/// Where the holders of exactly this lock file leave their lines: for `P.lock`
/// in `P.holder`, for any other name in `NAME.holder`, so that no two locks have
/// the same.
pub(crate) fn path_beside(lock_path: &Path) -> PathBuf {
    match lock_path.extension() {
        Some(last) if last == "lock" => path_for(&lock_path.with_extension("")),
        _ => path_for(lock_path),
    }
}
