//! A lock that is kept, and the calls that work under it.

use crate::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::holder::Holder;
use crate::oslock::note::{self, Note};
use crate::oslock::{PathLock, RawGuard};
use crate::sys;

/// A lock that is held. Dropping it releases the lock.
///
/// It may be sent to another thread and released there. It still counts as held
/// by the thread that took it. That thread gets `DEADLOCK` if it takes the lock
/// again with a blocking call, since most such calls would wait for themselves.
/// To pass a lock on and wait for it, take it on the thread that will release
/// it.
///
/// In a forked child it holds nothing, and a release does nothing: the parent
/// still has the lock.
///
/// ```
/// use untorn::{CallOptions, Document, FileLock};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("state.json");
/// let guard = FileLock::acquire(&path)?;
/// // Calls under the lock name the guard. Others wait.
/// let state = Document::open(&path)?;
/// state.save_with(b"1", untorn::Expect::Anything, &CallOptions::new().lock(&guard))?;
/// drop(guard);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LockGuard(Arc<GuardState>);

/// A lock that is kept, shared by its guard and the calls that work under it.
pub(crate) struct GuardState {
    path: PathBuf,
    lock_path: PathBuf,
    shared: bool,
    born: u32,
    note: Mutex<Option<Note>>,
    held: Mutex<Option<RawGuard>>,
}

impl LockGuard {
    /// Returns the path as it was given.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns the lock file.
    pub fn lock_path(&self) -> &Path {
        &self.0.lock_path
    }

    /// Returns whether others may share it.
    pub fn is_shared(&self) -> bool {
        self.0.shared
    }

    /// Returns whether this process still holds it.
    pub fn is_held(&self) -> bool {
        self.0.is_ours() && self.0.held().is_some()
    }

    /// Releases it. A second release does nothing.
    ///
    /// # Errors
    /// None today.
    pub fn release(&self) -> Result<()> {
        if self.0.is_ours() {
            self.0.let_go(&mut self.0.held());
        }
        Ok(())
    }

    /// Lets a program that takes this process's place keep the lock. After
    /// `execve` the lock is held until that program and all that inherited the
    /// descriptor have ended. From now on a child that is started in another
    /// way keeps it too.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: this process does not hold it. `IO`: on Windows no
    /// program takes another's place.
    pub fn keep_in_programs(&self) -> Result<()> {
        // In a forked child the mutex may be locked by a thread that does not
        // exist there.
        let held = self.0.is_ours().then(|| self.0.held());
        let Some(held) = held.as_ref().and_then(|held| held.as_ref()) else {
            let why = "the lock is not held by this process";
            return Err(Error::invalid_argument("lock", self.path(), why));
        };
        let file = held.process_lock.locked();
        file.keep_in_programs()
            .map_err(|error| Error::os("lock", self.lock_path(), error))
    }

    /// Makes the guard of a lock that was just taken.
    pub(crate) fn new(
        path: &Path,
        lock: &PathLock,
        held: RawGuard,
        shared: bool,
        own: &Holder,
    ) -> LockGuard {
        let mode = match held.mode {
            // The lock is on the data itself.
            0 => sys::look(lock.lock_path())
                .ok()
                .flatten()
                .map(|seen| seen.mode),
            mode => Some(mode),
        };
        let note = mode.and_then(|mode| note::write(lock.holder_path(), mode, own, shared));
        LockGuard(Arc::new(GuardState {
            path: path.to_owned(),
            lock_path: lock.lock_path().to_owned(),
            shared,
            born: sys::generation(),
            note: Mutex::new(note),
            held: Mutex::new(Some(held)),
        }))
    }

    /// Returns the lock for calls that continue to work under it.
    pub(crate) fn kept(&self) -> &Arc<GuardState> {
        &self.0
    }
}

impl GuardState {
    /// Returns whether it belongs to this process, not to the one it was forked
    /// from. This check comes before all others. In a forked child the mutexes
    /// may be locked by a thread that does not exist there.
    pub(crate) fn is_ours(&self) -> bool {
        self.born == sys::generation()
    }

    pub(crate) fn let_go(&self, held: &mut Option<RawGuard>) {
        if let Some(_held) = held.take() {
            let note = self
                .note
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(note) = note {
                note.erase();
            }
        }
    }

    /// Returns the lock for work under it on the path of `lock`. No other call
    /// works under it meanwhile.
    pub(crate) fn work(
        &self,
        operation: &'static str,
        path: &Path,
        lock: &PathLock,
    ) -> Result<MutexGuard<'_, Option<RawGuard>>> {
        let refuse = |detail: &str| Err(Error::invalid_argument(operation, path, detail));
        if self.lock_path != lock.lock_path() {
            return refuse(&format!(
                "the lock given is that of {}, not of this file",
                self.path.display()
            ));
        }
        if self.shared {
            return refuse("the lock given is shared, and this changes the file");
        }
        if !self.is_ours() {
            return refuse("the lock given belongs to the process that this one was forked from");
        }
        let guard = self.held();
        match &*guard {
            None => refuse("the lock given was released already"),
            Some(held) if held.scheme() != lock.scheme() => {
                refuse("the lock given was taken in another scheme than this file is opened in")
            }
            Some(held) if !lock.names(operation, held)? => Err(lost(operation, path)),
            Some(_) => Ok(guard),
        }
    }

    pub(crate) fn held(&self) -> MutexGuard<'_, Option<RawGuard>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        let _ = self.release();
    }
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard")
            .field("lock_path", &self.0.lock_path)
            .field("shared", &self.0.shared)
            .finish_non_exhaustive()
    }
}

/// Makes the error of a lock file that lost its name. Another process may have
/// the lock on the file that has the name now.
#[cold]
pub(crate) fn lost(operation: &'static str, path: &Path) -> Error {
    Error::new(
        ErrorKind::Conflict,
        operation,
        path,
        "the lock file was removed, renamed or moved away while the lock was held, so another may \
         have the lock by now; nothing was changed, so take the lock again",
    )
}
