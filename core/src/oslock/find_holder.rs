//! Finds the holder of a lock. The sources are the lines in `P.holder`
//! (note.rs), the content of a pid file, and the system's own table.

use std::path::Path;

use super::note;
use super::scheme::pid_file;
use crate::holder::Holder;
use crate::process::{Alive, Process};
use crate::sys;

/// Returns the holder of this lock file. Its holders leave their lines in
/// `holder_path`.
pub(crate) fn of_lock(lock_path: &Path, holder_path: &Path) -> Option<Holder> {
    let notes = note::read(holder_path).unwrap_or_default();
    let stat = sys::stat(lock_path).ok()??;
    if let Some(owner) = of_owners(stat.id, &notes) {
        return Some(owner);
    }
    if let Some(stamp) = pid_file::stamp_of(lock_path) {
        // In the scheme pid-file, the file itself names its holder.
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
    // The process is on another system or host, or in another pid namespace.
    // Its line counts unless the process is known to be dead.
    first_not_dead(notes)
}

/// Returns the holder of a lock that is on the data itself. The data's content
/// is never read as a stamp.
pub(crate) fn of_data(path: &Path, holder_path: &Path) -> Option<Holder> {
    let notes = note::read(holder_path).unwrap_or_default();
    let stat = sys::stat(path).ok()??;
    of_owners(stat.id, &notes).or_else(|| {
        // Where the system has no table of locks, only the line tells.
        if sys::lock_table().is_some() {
            return None;
        }
        first_not_dead(notes)
    })
}

fn first_not_dead(notes: Vec<Holder>) -> Option<Holder> {
    notes.into_iter().find(|note| note.alive() != Alive::Dead)
}

/// Returns the holder of a lock on this file as the system knows it. If the
/// holder left a line, that line is the answer.
fn of_owners(id: sys::FileId, notes: &[Holder]) -> Option<Holder> {
    let owners = owners(id);
    for owner in &owners {
        let process = Process::of(owner.pid);
        // A line of an earlier process with this pid has another start time.
        let noted = notes
            .iter()
            .find(|note| note.pid == owner.pid && note.start == process.start);
        if let Some(noted) = noted {
            return Some(noted.clone());
        }
    }
    Some(Holder::from(Process::of(owners.first()?.pid)))
}

/// Lists the holders of a lock on this file, as the system knows them. The
/// system's table comes in pieces, and a line can be missed if another one
/// disappears between two pieces. So the code asks again after an empty answer.
fn owners(id: sys::FileId) -> Vec<sys::LockOwner> {
    let answers = std::iter::repeat_with(|| sys::lock_owners(id));
    let known = answers.take(4).find(|owners| !owners.is_empty());
    known.unwrap_or_default()
}

/// Returns the processes that wait in the kernel for a lock on one of these files. A
/// process counts once, however many of its threads and calls wait.
pub(crate) fn waiters(files: &[sys::FileId]) -> Vec<Process> {
    let locks = sys::lock_table().unwrap_or_default();
    let waits = |lock: &&sys::LockLine| lock.is_waiting && files.contains(&lock.id);
    let mut pids: Vec<u32> = locks.iter().filter(waits).map(|lock| lock.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    pids.into_iter().map(Process::of).collect()
}
