//! Who holds a lock: for messages, never for exclusion.
//!
//! Holders that mean to keep a lock write a line into `P.holder`. For those
//! that do not (an append takes a microsecond) the system is asked.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{PathLock, in_place, pid_file, sidecar, transfer};
use crate::clock;
use crate::error::{Error, Result};
use crate::fs::{self, Access, File};
use crate::process::{Alive, Process};

/// Who holds a lock.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// When it started, in the system's own unit (clock ticks since boot on
    /// Linux): with pid, boot and host it names one process for ever.
    pub start: Option<u64>,
    /// Which start of the machine.
    pub boot: Option<String>,
    /// Within which pids and start times are counted, see
    /// [`Process::namespace`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// On which host.
    pub host: Option<String>,
    /// What the holder calls itself (`label=`).
    pub label: Option<String>,
    /// Since when, RFC 3339 in UTC.
    pub since: Option<String>,
}

impl Holder {
    /// This process, from now on.
    pub(crate) fn own(label: Option<&str>) -> Holder {
        Holder {
            label: label.map(str::to_owned),
            since: Some(clock::now()),
            ..Holder::from(Process::current())
        }
    }

    /// The process by itself.
    pub fn process(&self) -> Process {
        Process {
            pid: self.pid,
            start: self.start,
            boot: self.boot.clone(),
            namespace: self.namespace.clone(),
            host: self.host.clone(),
        }
    }

    /// Whether the process lives: told by its start time, not by its pid
    /// alone.
    pub fn alive(&self) -> Alive {
        self.process().alive()
    }
}

impl From<Process> for Holder {
    fn from(process: Process) -> Holder {
        Holder {
            pid: process.pid,
            start: process.start,
            boot: process.boot,
            namespace: process.namespace,
            host: process.host,
            label: None,
            since: None,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}", self.pid)?;
        if let Some(label) = &self.label {
            write!(f, " ({label})")?;
        }
        if let Some(since) = &self.since {
            write!(f, " since {since}")?;
        }
        match self.alive() {
            Alive::Alive => Ok(()),
            Alive::Dead => write!(f, ", which is dead"),
            Alive::Unknown => match &self.host {
                Some(host) => write!(f, " on {host}"),
                None => Ok(()),
            },
        }
    }
}

/// Who holds the lock of this file now; `None` if nobody does, or if it can't
/// be known.
///
/// # Errors
/// `NOT_FOUND` where the directory is missing, or the path can't be resolved.
pub fn holder(path: impl AsRef<Path>) -> Result<Option<Holder>> {
    let path = path.as_ref();
    let real = fs::real_path(path).map_err(|error| Error::os("holder", path, error))?;
    let holder_path = path_for(&real);
    // Whatever the scheme: the lock file, or else the file itself.
    let lock_path = sidecar::lock_path(&real);
    let held = of_lock(&lock_path, &holder_path).or_else(|| of_lock(&real, &holder_path));
    // Held by nobody, it may be reserved for somebody.
    let guard = pid_file::guard_path(&lock_path);
    let records = [lock_path, in_place::redo_path(&real), guard];
    Ok(held.or_else(|| {
        let mut reserved = records.iter().filter_map(|path| transfer::reserved(path));
        reserved
            .find(|reservation| reservation.to.alive() != Alive::Dead)
            .map(|reservation| reservation.to.into())
    }))
}

/// Who holds the lock on this file, whose holders leave their lines there.
pub(super) fn of_lock(lock_path: &Path, holder_path: &Path) -> Option<Holder> {
    let notes = read(holder_path).unwrap_or_default();
    let stat = fs::stat(lock_path).ok()??;
    let owners = owners(stat.id);
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
    if let Some(owner) = owners.first() {
        return Some(Holder::from(Process::of(owner.pid)));
    }
    if let Some(stamp) = pid_file::stamp_of(lock_path) {
        // The scheme pid-file: its file itself says who.
        let noted = notes.iter().find(|note| note.pid == stamp.pid);
        return match stamp.alive(|| None) {
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

/// Who holds a lock on this file, as the system knows it. The system's table
/// comes in pieces, and a line is missed if another goes away between two of
/// them: so an empty answer is asked for again.
fn owners(id: fs::FileId) -> Vec<fs::LockOwner> {
    let answers = std::iter::repeat_with(|| fs::lock_owners(id));
    let known = answers.take(4).find(|owners| !owners.is_empty());
    known.unwrap_or_default()
}

/// Notes down that we hold the lock. A failure is nobody's business: the lock
/// does not depend on it.
pub(super) fn note(lock: &PathLock, own: &Holder, shared: bool) {
    let _ = change(lock.holder_path(), lock.lock_path(), |notes| {
        if shared {
            notes.retain(|note| note.alive() != Alive::Dead);
        } else {
            notes.clear();
        }
        notes.push(own.clone());
    });
}

/// Takes the note back.
pub(super) fn erase(holder_path: &Path, lock_path: &Path, own: &Holder) {
    let _ = change(holder_path, lock_path, |notes| {
        notes.retain(|note| note != own);
    });
}

/// `P.holder`.
pub(super) fn path_for(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".holder");
    PathBuf::from(name)
}

fn read(path: &Path) -> io::Result<Vec<Holder>> {
    let file = File::open_beside(path, Access::Read)?;
    lines(&file)
}

fn lines(file: &File) -> io::Result<Vec<Holder>> {
    // A file of this size was not written by us.
    let size = usize::try_from(file.size()?).unwrap_or(0).min(1 << 20);
    let mut bytes = vec![0; size];
    let n = file.read_full_at(&mut bytes, 0)?;
    Ok(bytes[..n]
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

/// Rewrites the lines under a lock of their own: holders that share the lock
/// of `P` write here at the same time. Without lines the file is removed.
fn change(path: &Path, lock_path: &Path, change: impl FnOnce(&mut Vec<Holder>)) -> io::Result<()> {
    let file = loop {
        let file = match File::open_beside(path, Access::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mode = fs::metadata(lock_path)?.map(|like| like.mode & 0o666);
                match File::create_beside(path, Access::Write, mode) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                    result => result?,
                }
            }
            result => result?,
        }
        .lock_aside();
        while let Err(error) = file.lock(false) {
            // Without locks a line may get lost, and nothing but a line.
            if fs::is_lock_unsupported(&error) {
                break;
            }
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        // The last holder may have removed it while we waited.
        if file.links_and_size()?.0 > 0 {
            break file;
        }
    };
    let mut notes = lines(&file)?;
    change(&mut notes);
    if notes.is_empty() {
        return fs::unlink(path);
    }
    let mut text = Vec::new();
    for note in &notes {
        serde_json::to_writer(&mut text, note)?;
        text.push(b'\n');
    }
    file.set_len(0)?;
    file.write_all_at(&text, 0)
}
