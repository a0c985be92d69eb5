//! Whether the lock file that is there still is somebody's.

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

/// Since when it looks as it does, by a clock that nobody sets.
pub(crate) struct Watched {
    seen: Seen,
    since: Instant,
}

pub(crate) enum Look {
    /// There is none.
    Free,
    /// It is somebody's; whose, if it says so.
    Held(Option<u32>),
    /// Its holder is dead, or has not refreshed it for too long.
    Left(Seen),
}

/// Looks at the lock file. `guard` is a file beside it, by whose clock its age
/// is told.
pub(crate) fn look(
    path: &Path,
    guard: &File,
    stale: Duration,
    watched: &mut Option<Watched>,
    is_held_here: impl Fn(&[u8]) -> bool,
) -> io::Result<Look> {
    let file = match Descriptor::open_beside(path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Look::Free),
        // Another user's, who does not show it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Ok(Look::Held(None));
        }
        // proper-lockfile makes a directory of this name, others a symbolic link.
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
        // One of this process that could not be removed when it was let go; or
        // one that runs: whatever the clocks say, it is not robbed.
        Some(Alive::Alive) if stamp.as_ref().is_some_and(Stamp::runs) => {
            stamp.as_ref().is_some_and(Stamp::is_own) && !is_held_here(&seen.bytes)
        }
        // Stopped, or not seen from here; empty, or not ours to judge.
        _ => is_stale(since.elapsed(), age, stale),
    };
    if !left {
        return Ok(Look::Held(pid));
    }
    // A daemon that locks its pid file, or a program that flocks it as a sidecar,
    // is alive whatever the file says. Shared: others who wait look too.
    match file.try_lock(true) {
        Ok(false) => Ok(Look::Held(pid)),
        _ => Ok(Look::Left(seen)),
    }
}

/// The time of day jumps, and a server's clock is another than ours. So however
/// old a file looks, it must also stay as it is while it is watched, for longer
/// than its holder would leave it; and one that stays so for all of the time is
/// stale however young it looks.
fn is_stale(unchanged: Duration, age: impl Fn() -> Option<Duration>, stale: Duration) -> bool {
    unchanged > stale || unchanged > shortest(stale) && age().is_some_and(|age| age > stale)
}

/// For how long a file that looks old is watched.
pub(crate) fn shortest(stale: Duration) -> Duration {
    stale / 2
}
