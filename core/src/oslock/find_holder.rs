//! Who holds a lock, by the lines in `P.holder` (note.rs), by what a pid file
//! says, and by the system's own table.

use std::path::Path;

use super::note;
use super::scheme::pid_file;
use crate::holder::Holder;
use crate::process::{Alive, Process};
use crate::sys;

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
pub(crate) fn of_data(path: &Path, holder_path: &Path) -> Option<Holder> {
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
