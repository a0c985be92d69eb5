//! Judges whether an existing lock file still belongs to a process.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::stamp::{self, Stamp};
use crate::process::Alive;
use crate::sys::{Access, Descriptor, File, FileId, InTheWay};

/// A lock file as it was seen.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub id: FileId,
    pub bytes: Vec<u8>,
    /// Nanoseconds since 1970.
    modified: u64,
}

/// How long the file has looked as it does, by a monotonic clock.
pub(crate) struct Watched {
    seen: Seen,
    since: Instant,
}

pub(crate) enum Look {
    /// The file does not exist.
    Free,
    /// A process holds it; with its pid, if the file has one.
    Held(Option<u32>),
    /// Its holder is dead, or has not refreshed it for too long.
    Left(Seen),
}

/// Looks at the lock file. `guard` is a file next to it, whose clock gives the
/// file's age.
pub(crate) fn look(
    path: &Path,
    guard: &File,
    stale: Duration,
    watched: &mut Option<Watched>,
    is_held_here: impl Fn(&[u8]) -> bool,
) -> io::Result<Look> {
    let file = match Descriptor::open_beside(path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Look::Free),
        // It is another user's, unreadable for this process.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Ok(Look::Held(None));
        }
        // proper-lockfile makes a directory of this name, others a symbolic
        // link.
        Err(error) if InTheWay::of(&error).is_some() => return Ok(Look::Held(None)),
        result => result?,
    };
    let seen = Seen {
        id: file.id()?,
        bytes: super::read(&file)?,
        modified: file.modified()?,
    };
    let stamp = stamp::parse(&seen.bytes);
    let pid = stamp.as_ref().map(|stamp| stamp.pid);
    let since = match watched {
        Some(watched) if watched.seen == seen => watched.since,
        _ => {
            let since = Instant::now();
            let seen = seen.clone();
            *watched = Some(Watched { seen, since });
            since
        }
    };
    let age = || {
        guard.touch().ok()?;
        let now = guard.modified().ok()?;
        Some(Duration::from_nanos(now.checked_sub(seen.modified)?))
    };
    let left = match stamp.as_ref().map(Stamp::alive) {
        Some(Alive::Dead) => true,
        // One of this process's own, whose removal failed at its release, is
        // left. One that runs is never robbed, whatever the clocks say.
        Some(Alive::Alive) if stamp.as_ref().is_some_and(Stamp::runs) => {
            stamp.as_ref().is_some_and(Stamp::is_own) && !is_held_here(&seen.bytes)
        }
        // It is stopped, or not visible from here; empty, or not ours to judge.
        _ => is_stale(since.elapsed(), age, stale),
    };
    if !left {
        return Ok(Look::Held(pid));
    }
    // A daemon that locks its pid file, or a program that flocks it as a
    // sidecar, is alive whatever the file says. The try is shared, since other
    // waiters look too.
    match file.try_lock(true) {
        Ok(false) => Ok(Look::Held(pid)),
        _ => Ok(Look::Left(seen)),
    }
}

/// Returns whether the file is stale. The time of day jumps, and a server's
/// clock differs from this host's. So a file that looks old must also stay
/// unchanged while it is watched, for longer than a holder would leave it. One
/// that stays unchanged for the whole limit is stale, however young it looks.
fn is_stale(unchanged: Duration, age: impl Fn() -> Option<Duration>, stale: Duration) -> bool {
    unchanged > stale || unchanged > shortest(stale) && age().is_some_and(|age| age > stale)
}

/// Returns for how long a file that looks old is watched.
pub(crate) fn shortest(stale: Duration) -> Duration {
    stale / 2
}
