//! `FileLock`: a lock by itself.

use std::path::Path;
use std::time::Duration;

use super::call::CallOptions;
use super::guard::LockGuard;
use crate::error::{Error, ErrorKind, Result};
use crate::holder::Holder;
use crate::oslock::{Choice, OnUnsupported, PathLock, Scheme};
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
    /// Returns options for the timeout, sharing, the label and more.
    #[must_use]
    pub fn options() -> LockOptions {
        LockOptions::default()
    }

    /// Waits indefinitely for the exclusive lock of `path`.
    ///
    /// # Errors
    /// As [`LockOptions::acquire`].
    pub fn acquire(path: impl AsRef<Path>) -> Result<LockGuard> {
        FileLock::options().acquire(path)
    }
}

/// Options for taking a lock.
///
/// ```
/// use std::time::Duration;
/// use untorn::FileLock;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("notes.txt");
/// let guard = FileLock::options()
///     .timeout(Some(Duration::from_secs(5)))
///     .shared(true)
///     .label("a reader")
///     .acquire(&path)?;
/// # drop(guard);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct LockOptions {
    timeout: Option<Duration>,
    shared: bool,
    label: Option<String>,
    choice: Choice,
}

impl LockOptions {
    /// Sets how long to wait: `None` (the default) waits indefinitely, zero
    /// tries once.
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

    /// Sets the label by which messages name this holder to others.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> LockOptions {
        self.label = Some(label.into());
        self
    }

    /// Sets which file carries the lock. Default: `P.lock`
    /// ([`Scheme::Sidecar`]).
    #[must_use]
    pub fn scheme(mut self, scheme: Scheme) -> LockOptions {
        self.choice.scheme = scheme;
        self
    }

    /// Sets what happens if the file system reports that it does not lock.
    /// Default: the call fails.
    #[must_use]
    pub fn on_unsupported(mut self, policy: OnUnsupported) -> LockOptions {
        self.choice.on_unsupported = policy;
        self
    }

    /// Sets the age at which an unrefreshed lock file is taken over. This
    /// concerns the scheme `pid-file` only. Default: 10 s; at least 2 s.
    #[must_use]
    pub fn stale(mut self, age: Duration) -> LockOptions {
        self.choice.stale = age;
        self
    }

    /// Takes the lock of `path`.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT` and `LOCKED` name the holder if it can be known.
    /// `DEADLOCK`: this thread already holds it. `LOCK_UNSUPPORTED`: the file
    /// system does not lock. `NOT_FOUND`: the directory is missing.
    /// `INVALID_ARGUMENT`: the path ends in `.lock` (see
    /// [`LockOptions::acquire_at`]).
    pub fn acquire(&self, path: impl AsRef<Path>) -> Result<LockGuard> {
        self.acquire_with(path, &CallOptions::new())
    }

    /// Does what [`LockOptions::acquire`] does, with a way to end the wait.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn acquire_with(
        &self,
        path: impl AsRef<Path>,
        call: &CallOptions<'_>,
    ) -> Result<LockGuard> {
        let path = path.as_ref();
        let bytes = path.as_os_str().as_encoded_bytes();
        if bytes.ends_with(b".lock") {
            return Err(Error::invalid_argument(
                "lock",
                path,
                format!(
                    "this would lock {}.lock; name the file that the lock is for, or lock exactly \
                     this file with `acquire_at`",
                    path.display()
                ),
            ));
        }
        let real = sys::real_path(path).map_err(|error| missing_directory(path, error))?;
        let lock = PathLock::of("lock", &real, &self.choice, true, None)?;
        self.take(path, lock, call)
    }

    /// Locks exactly the file `lock_path`. Creates it if it is missing.
    ///
    /// # Errors
    /// As [`LockOptions::acquire`].
    pub fn acquire_at(&self, lock_path: impl AsRef<Path>) -> Result<LockGuard> {
        self.acquire_at_with(lock_path, &CallOptions::new())
    }

    /// Does what [`LockOptions::acquire_at`] does, with a way to end the wait.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn acquire_at_with(
        &self,
        lock_path: impl AsRef<Path>,
        call: &CallOptions<'_>,
    ) -> Result<LockGuard> {
        let path = lock_path.as_ref();
        // The directory is resolved, the name is not. A lock file that is a
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
        // The work pending in `P.lock` concerns `P`.
        let target = lock_path.with_extension("");
        self.take(path, PathLock::at(&target, lock_path), call)
    }

    fn take(&self, path: &Path, lock: PathLock, call: &CallOptions<'_>) -> Result<LockGuard> {
        if call.guard().is_some() {
            return Err(Error::invalid_argument(
                "lock",
                path,
                "a lock is not taken under a lock that is held already",
            ));
        }
        let held = lock.acquire("lock", self.shared, &call.begin(self.timeout))?;
        let own = Holder::own(self.label.as_deref());
        Ok(LockGuard::new(path, &lock, held, self.shared, &own))
    }
}

fn missing_directory(path: &Path, error: std::io::Error) -> Error {
    let made = Error::os("lock", path, error);
    match made.kind() {
        ErrorKind::NotFound => made.hint(crate::target::no_directory(path)),
        _ => made,
    }
}
