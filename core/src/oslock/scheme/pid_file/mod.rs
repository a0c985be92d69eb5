//! The scheme `pid-file`: the lock of `P` is that `P.lock` exists, with its
//! holder's pid in it, for files shared with programs that do so.
//!
//! ```text
//! stamp.rs    what the file holds
//! judge.rs    whether its holder still lives
//! guard.rs    under what it is stamped, taken over and removed
//! refresh.rs  how others see that we live
//! ```
//!
//! A rename and a look afterwards do not make a take-over safe. Between the
//! look and the rename, another process may have taken over already. Then the
//! rename moves its living file. So all users of this library take over under a
//! guard, and look again inside. Programs without the guard may create the file
//! meanwhile. So it is created exclusively, and its inode is checked when it is
//! moved away.

mod guard;
mod judge;
mod refresh;
mod stamp;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::oslock::WaitPolicy;
use crate::oslock::watching::Watching;
use crate::sys::{self, Access, Descriptor, File, FileId, PerProcess};
use crate::temporary;
use judge::{Look, Seen, Watched};
use refresh::Refreshed;

pub(crate) use stamp::Stamp;

/// The stamps of the locks that this process holds. A file with a stamp of this
/// process that is missing here was released, and could not be removed.
static HELD: PerProcess<Mutex<HashSet<Vec<u8>>>> = PerProcess::new();

/// Returns `P.lock.guard`, the file that carries the guard's lock. It also
/// holds what a lock file of the scheme `sidecar` holds.
pub(crate) fn guard_path(lock_path: &Path) -> PathBuf {
    with(lock_path, ".guard")
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Returns the stamp in the lock file.
pub(crate) fn stamp_of(lock_path: &Path) -> Option<Stamp> {
    let file = File::open_beside(lock_path, Access::Read).ok()?;
    stamp::parse(&read(&file).ok()?)
}

fn read(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; stamp::LONGEST];
    let n = file.read_full_at(&mut bytes, 0)?;
    bytes.truncate(n);
    Ok(bytes)
}

/// The lock file of one path, in this process.
pub(crate) struct PidFile {
    path: PathBuf,
    target: PathBuf,
    /// The shortest limit that any handle asked for, in milliseconds.
    stale: AtomicU64,
    state: Mutex<State>,
    /// For the one thread of the process that waits; see `Watching` for why it
    /// is kept.
    watching: Mutex<Option<Watching>>,
}

#[derive(Default)]
struct State {
    own: Option<Own>,
    watched: Option<Watched>,
}

/// The file that this process made.
struct Own {
    id: FileId,
    stamp: Vec<u8>,
    file: Arc<Descriptor>,
    _refreshed: Refreshed,
}

impl Own {
    fn new((file, stamp): (Descriptor, Vec<u8>)) -> io::Result<Own> {
        let id = file.id()?;
        let file = Arc::new(file);
        let refreshed = refresh::refresh(Arc::clone(&file))?;
        held().insert(stamp.clone());
        Ok(Own {
            id,
            stamp,
            file,
            _refreshed: refreshed,
        })
    }
}

impl PidFile {
    pub fn new(path: &Path, target: &Path) -> PidFile {
        PidFile {
            path: path.to_owned(),
            target: target.to_owned(),
            stale: AtomicU64::new(u64::MAX),
            state: Mutex::default(),
            watching: Mutex::default(),
        }
    }

    /// Sets the age at which an unrefreshed file is stale, as one handle wants
    /// it.
    pub fn stale_after(&self, stale: Duration) {
        let stale = u64::try_from(stale.as_millis()).unwrap_or(u64::MAX);
        self.stale.fetch_min(stale, Ordering::Relaxed);
    }

    fn stale(&self) -> Duration {
        Duration::from_millis(self.stale.load(Ordering::Relaxed))
    }

    /// Tries once. `guard` is `P.lock.guard`.
    pub fn try_take(&self, guard: &File) -> io::Result<bool> {
        self.try_or_learn(guard).map(|busy| busy.is_none())
    }

    /// Tries once. Returns `None` if it took the file, else its holder's pid,
    /// if the file has one.
    fn try_or_learn(&self, guard: &File) -> io::Result<Option<Option<u32>>> {
        let mut state = self.state();
        // The first look is without the guard: those that wait must not hold up
        // those that release.
        if let Look::Held(pid) = self.look(guard, &mut state)? {
            return Ok(Some(pid));
        }
        let entered = guard::enter(guard, &with(&self.path, ".taking"), TO_TAKE);
        let _guarded = match entered {
            // Another program has the guard, for an unknown reason.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Some(None)),
            result => result?,
        };
        match self.look(guard, &mut state)? {
            Look::Held(pid) => return Ok(Some(pid)),
            Look::Free => {}
            Look::Left(seen) => {
                if !self.move_away(&seen)? {
                    return Ok(Some(None));
                }
            }
        }
        state.watched = None;
        state.own = self.create()?;
        Ok(match state.own {
            Some(_) => None,
            None => Some(None),
        })
    }

    fn look(&self, guard: &File, state: &mut State) -> io::Result<Look> {
        let is_held_here = |bytes: &[u8]| held().contains(bytes);
        let watched = &mut state.watched;
        judge::look(&self.path, guard, self.stale(), watched, is_held_here)
    }

    /// Waits while `wanted` holds. Returns `false` once it no longer does.
    pub fn take(&self, guard: &File, wanted: impl Fn() -> bool) -> io::Result<bool> {
        // Nothing but the lock ends this wait.
        let wait = WaitPolicy::endless();
        let mut holder = None;
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        let watching = watching.get_or_insert_with(|| Watching::idle(&wait));
        let mut is_there = false;
        loop {
            // A change from before the watch began shows now; a later one wakes
            // this thread.
            let Some(pid) = self.try_or_learn(guard)? else {
                return Ok(true);
            };
            if !wanted() {
                return Ok(false);
            }
            if pid == holder && is_there {
                let longest = judge::shortest(self.stale()).min(LOOK_AGAIN);
                let _ = watching.sleep(&wait, longest);
            }
            holder = pid;
            is_there = watching.renew(&self.path, holder, &wait);
        }
    }

    /// Moves exactly the file that was seen out of the way.
    fn move_away(&self, seen: &Seen) -> io::Result<bool> {
        let aside = temporary::path_beside(&self.path);
        match sys::rename(&self.path, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            result => result?,
        }
        let moved = File::open_beside(&aside, Access::Read)
            .and_then(|file| Ok(file.id()? == seen.id && read(&file)? == seen.bytes));
        if !matches!(moved, Ok(true)) {
            // A program without the guard was faster: it has the lock.
            let _ = sys::link(&aside, &self.path);
        }
        let _ = sys::unlink(&aside);
        // A process that died here left such a file.
        temporary::sweep_again(&self.path);
        moved
    }

    /// Makes the file. It gets its name when its stamp is whole. A death or a full
    /// disk before leaves no lock file. A part of a stamp would keep all others
    /// out until it is stale. Those that try once could never watch it for so
    /// long. Returns `None` if a program without the guard was faster.
    fn create(&self) -> io::Result<Option<Own>> {
        let aside = temporary::path_beside(&self.path);
        let mut made = self.write(&aside)?;
        let named = sys::link(&aside, &self.path);
        // One that stays is an orphan, which a later sweep finds.
        let _ = sys::unlink(&aside);
        match named {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            // The file system has no second names, or a sweep was faster.
            Err(_) => match self.write(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
                written => made = written?,
            },
        }
        let own = Own::new(made);
        if own.is_err() {
            // The file exists without an owner: there is no thread.
            let _ = sys::unlink(&self.path);
        }
        own.map(Some)
    }

    /// Creates this file exclusively, with a new stamp. A failure leaves no file.
    fn write(&self, path: &Path) -> io::Result<(Descriptor, Vec<u8>)> {
        let file = match sys::rights(&self.target)? {
            Some(like) => Descriptor::create_beside_like(path, Access::Write, &like),
            None => Descriptor::create_beside(path, Access::Write, None),
        }?;
        let stamp = stamp::make().into_bytes();
        let written = file.write_all_at(&stamp, 0);
        if written.is_err() {
            // A full disk.
            let _ = sys::unlink(path);
        }
        written.map(|()| (file, stamp))
    }

    /// Removes exactly the file of this process, which may have lost it to
    /// another. One that can't be removed is known by its absence from `HELD`,
    /// and its stamp is changed. To others, a file that names a living process
    /// is held.
    pub fn let_go(&self, guard: &File) {
        let mut state = self.state();
        let Some(own) = state.own.take() else {
            return;
        };
        let mut removed = false;
        if let Ok(_guarded) = guard::enter(guard, &with(&self.path, ".taking"), TO_LET_GO)
            && let Ok(file) = File::open_beside(&self.path, Access::Read)
            && matches!(file.id(), Ok(id) if id == own.id)
            && matches!(read(&file), Ok(bytes) if bytes == own.stamp)
        {
            removed = sys::unlink(&self.path).is_ok();
        }
        if !removed && matches!(read(&own.file), Ok(bytes) if bytes == own.stamp) {
            // The start time of another process makes the stamp a dead one for
            // all.
            if let Some(at) = own.stamp.iter().position(|byte| *byte == b'.') {
                let other = if own.stamp.get(at + 1) == Some(&b'1') {
                    b"2"
                } else {
                    b"1"
                };
                let _ = own.file.write_all_at(other, at as u64 + 1);
            }
        }
        held().remove(&own.stamp);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait for the guard. Work under it takes microseconds, and a
/// process that keeps it for longer is not worth a wait.
const TO_TAKE: Duration = Duration::from_millis(20);
const TO_LET_GO: Duration = Duration::from_secs(1);

/// How long it takes to notice that all waiters of this process have left. The
/// same holds for events that the system does not report: a holder that ends
/// without a pidfd, changes on another host.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

fn held() -> MutexGuard<'static, HashSet<Vec<u8>>> {
    HELD.get(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}
