//! `FileLock`: a lock by itself.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::holder::Holder;
use crate::oslock::note::{self, Note};
use crate::oslock::{Choice, OnUnsupported, Scheme};
use crate::oslock::{Held, PathLock};
use crate::sys;

/// A lock across processes and threads that the kernel frees when its holder
/// dies.
///
/// The lock of `P` is an OS lock on the file `P.lock`: the same lock that
/// `Journal` and `Document` take on `P`. `P` itself need not exist.
///
/// ```
/// use std::time::Duration;
/// use untorn::FileLock;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("session.json");
/// let guard = FileLock::options()
///     .timeout(Some(Duration::from_secs(5)))
///     .label("nightly build")
///     .acquire(&path)?;
/// // ... alone ...
/// drop(guard);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FileLock;

impl FileLock {
    /// Timeout, sharing and label.
    #[must_use]
    pub fn options() -> LockOptions {
        LockOptions::default()
    }

    /// Waits for the exclusive lock of `path` for as long as it takes.
    ///
    /// # Errors
    /// As [`LockOptions::acquire`].
    pub fn acquire(path: impl AsRef<Path>) -> Result<LockGuard> {
        FileLock::options().acquire(path)
    }
}

/// How a lock is taken.
#[derive(Clone, Debug, Default)]
pub struct LockOptions {
    timeout: Option<Duration>,
    shared: bool,
    label: Option<String>,
    choice: Choice,
}

impl LockOptions {
    /// How long to wait: `None` (the default) for ever, zero tries once.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> LockOptions {
        self.timeout = timeout;
        self
    }

    /// Shares the lock with others that share it.
    #[must_use]
    pub fn shared(mut self, shared: bool) -> LockOptions {
        self.shared = shared;
        self
    }

    /// What others are told of who holds the lock.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> LockOptions {
        self.label = Some(label.into());
        self
    }

    /// Which file carries the lock. Default: `P.lock` ([`Scheme::Sidecar`]).
    #[must_use]
    pub fn scheme(mut self, scheme: Scheme) -> LockOptions {
        self.choice.scheme = scheme;
        self
    }

    /// What to do where the file system reports that it does not lock.
    /// Default: fail.
    #[must_use]
    pub fn on_unsupported(mut self, policy: OnUnsupported) -> LockOptions {
        self.choice.on_unsupported = policy;
        self
    }

    /// Scheme `pid-file` only: how old a lock file gets, without being
    /// refreshed, before it is taken over. Default: 10 s; at least 2 s.
    #[must_use]
    pub fn stale(mut self, age: Duration) -> LockOptions {
        self.choice.stale = age;
        self
    }

    /// Takes the lock of `path`.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT` and `LOCKED` name the holder where it can be known;
    /// `DEADLOCK` if this thread holds it already; `LOCK_UNSUPPORTED` where
    /// the file system does not lock; `NOT_FOUND` if the directory is missing;
    /// `INVALID_ARGUMENT` for a path that ends in `.lock` (see
    /// [`LockOptions::acquire_at`]).
    pub fn acquire(&self, path: impl AsRef<Path>) -> Result<LockGuard> {
        self.acquire_with(path, &Call::new())
    }

    /// [`LockOptions::acquire`], with a way to end the wait.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn acquire_with(&self, path: impl AsRef<Path>, call: &Call<'_>) -> Result<LockGuard> {
        let path = path.as_ref();
        let bytes = path.as_os_str().as_encoded_bytes();
        if bytes.ends_with(b".lock") {
            return Err(Error::invalid_argument(
                "lock",
                path,
                format!(
                    "this would lock {}.lock; name the file that the lock is for, or lock exactly \
                     this file with `at`",
                    path.display()
                ),
            ));
        }
        let real = sys::real_path(path).map_err(|error| missing_directory(path, error))?;
        let lock = PathLock::of("lock", &real, &self.choice, true, None)?;
        self.take(path, lock, call)
    }

    /// Locks exactly the file `lock_path`, which is made if it is not there.
    ///
    /// # Errors
    /// As [`LockOptions::acquire`].
    pub fn acquire_at(&self, lock_path: impl AsRef<Path>) -> Result<LockGuard> {
        self.acquire_at_with(lock_path, &Call::new())
    }

    /// [`LockOptions::acquire_at`], with a way to end the wait.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn acquire_at_with(
        &self,
        lock_path: impl AsRef<Path>,
        call: &Call<'_>,
    ) -> Result<LockGuard> {
        let path = lock_path.as_ref();
        // The directory is resolved, the name is not: a lock file that is a
        // symbolic link is refused, not followed.
        let Some(name) = path.file_name() else {
            return Err(Error::invalid_argument(
                "lock",
                path,
                "not the name of a file",
            ));
        };
        let lock_path = sys::real_parent(path)
            .map_err(|error| missing_directory(path, error))?
            .join(name);
        // What is pending in `P.lock` concerns `P`.
        let target = lock_path.with_extension("");
        self.take(path, PathLock::at(&target, lock_path), call)
    }

    fn take(&self, path: &Path, lock: PathLock, call: &Call<'_>) -> Result<LockGuard> {
        if call.guard().is_some() {
            return Err(Error::invalid_argument(
                "lock",
                path,
                "a lock is not taken under a lock that is held already",
            ));
        }
        let held = lock.acquire("lock", self.shared, &call.begin(self.timeout))?;
        let own = Holder::own(self.label.as_deref());
        let note = note::write(&lock, &held, &own, self.shared);
        Ok(LockGuard(Arc::new(Kept {
            path: path.to_owned(),
            lock_path: lock.lock_path().to_owned(),
            shared: self.shared,
            born: sys::generation(),
            note: Mutex::new(note),
            held: Mutex::new(Some(held)),
        })))
    }
}

/// Somebody else may have the lock on the file that has the name now.
#[cold]
pub(crate) fn lost(operation: &'static str, path: &Path) -> Error {
    Error::new(
        ErrorKind::Conflict,
        operation,
        path,
        "the lock file was removed, renamed or moved away while the lock was held, so another may \
         have the lock by now; nothing was changed, so take the lock anew",
    )
}

fn missing_directory(path: &Path, error: std::io::Error) -> Error {
    let made = Error::os("lock", path, error);
    match made.kind() {
        ErrorKind::NotFound => made.hint(crate::target::no_directory(path)),
        _ => made,
    }
}

/// A lock that is held. Dropping it lets it go.
///
/// It may be sent to another thread and let go there. It still counts as held by
/// the thread that took it: that thread gets `DEADLOCK` if it takes the lock again
/// with a call that blocks, since most such calls would wait for themselves. To
/// give a lock away and wait for it, take it on the thread that will release it.
///
/// In a forked child it
/// holds nothing and letting it go does nothing: the parent still has the lock.
pub struct LockGuard(Arc<Kept>);

/// A lock that is kept, shared by its guard and the calls that work under it.
pub(crate) struct Kept {
    path: PathBuf,
    lock_path: PathBuf,
    shared: bool,
    born: u32,
    note: Mutex<Option<Note>>,
    held: Mutex<Option<Held>>,
}

impl LockGuard {
    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The lock file.
    pub fn lock_path(&self) -> &Path {
        &self.0.lock_path
    }

    /// Whether others may share it.
    pub fn is_shared(&self) -> bool {
        self.0.shared
    }

    /// Whether it is held still, and by this process.
    pub fn is_held(&self) -> bool {
        self.0.is_ours() && self.0.held().is_some()
    }

    /// Lets it go. A second time does nothing.
    ///
    /// # Errors
    /// None today.
    pub fn release(&self) -> Result<()> {
        if self.0.is_ours() {
            self.0.let_go(&mut self.0.held());
        }
        Ok(())
    }

    /// Lets a program that takes this process's place keep the lock: after
    /// `execve` the lock is held until that program, and all that inherited the
    /// descriptor from it, have ended. A child of this process that is started
    /// otherwise keeps it too from now on.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: it is not held by this process; `IO`: on Windows no
    /// program takes the place of another.
    pub fn keep_in_programs(&self) -> Result<()> {
        // In a forked child the mutex may be locked by a thread that is not there.
        let held = self.0.is_ours().then(|| self.0.held());
        let Some(held) = held.as_ref().and_then(|held| held.as_ref()) else {
            let why = "the lock is not held by this process";
            return Err(Error::invalid_argument("lock", self.path(), why));
        };
        let file = held.gate.locked();
        file.keep_in_programs()
            .map_err(|error| Error::os("lock", self.lock_path(), error))
    }

    /// For calls that go on working under it.
    pub(crate) fn kept(&self) -> &Arc<Kept> {
        &self.0
    }
}

impl Kept {
    /// Whether it is of this process, not of the one it was forked from. To be
    /// asked before all else: in a forked child the mutexes may be locked by a
    /// thread that does not exist there.
    pub(crate) fn is_ours(&self) -> bool {
        self.born == sys::generation()
    }

    pub(crate) fn let_go(&self, held: &mut Option<Held>) {
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

    /// The lock, for work under it on the path that `lock` is of; nobody else works under it
    /// meanwhile.
    pub(crate) fn work(
        &self,
        operation: &'static str,
        path: &Path,
        lock: &PathLock,
    ) -> Result<MutexGuard<'_, Option<Held>>> {
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
            None => refuse("the lock given was let go already"),
            Some(held) if held.scheme() != lock.scheme() => {
                refuse("the lock given was taken in another scheme than this file is opened in")
            }
            Some(held) if !lock.names(operation, held)? => Err(lost(operation, path)),
            Some(_) => Ok(guard),
        }
    }

    pub(crate) fn held(&self) -> MutexGuard<'_, Option<Held>> {
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
