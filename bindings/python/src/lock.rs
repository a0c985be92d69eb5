//! `untorn.FileLock`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyType;
use untorn::{CallOptions, Error, LockGuard, LockOptions};

use crate::acquired::Acquired;
use crate::argument::{Instance, Place, Text, Value};
use crate::call::{Wait, plain, wait};
use crate::dropped::dropped_in_use;
use crate::error::check;
use crate::given::{checked, seconds, word};
use crate::guards::Guards;
use crate::process::Process;
use crate::timeout::Timeout;

/// A lock across processes and threads. The kernel releases it when its holder
/// dies.
///
/// `FileLock(p)` is the lock of the file `p`, the same that `Journal(p)` and
/// `Document(p)` take. It is an OS lock on `p.lock`; `p` itself need not exist.
/// Use it as a context manager, or with `acquire` and `release`. You can acquire
/// it again after a release.
///
/// - `timeout`: seconds to wait; `None` waits without a limit, 0 tries once.
/// - `shared`: holds the lock together with others that share it.
/// - `label`: what other processes see of the holder.
/// - `scheme`: which file carries the lock: `"sidecar"`: an OS lock on `p.lock`,
///   `"in-place"`: an OS lock on `p` itself, `"pid-file"`: the existence of `p.lock`.
///   Every program that shares the file must use the same scheme.
/// - `on_unsupported`: what happens if the file system does not lock: `"fail"` or
///   `"pid-file"`.
/// - `stale`: after how many seconds without a refresh a `"pid-file"` is taken
///   over.
#[pyclass(module = "untorn", frozen, weakref)]
pub struct FileLock {
    path: PathBuf,
    exact: bool,
    options: LockOptions,
    timeout: Option<Duration>,
    shared: bool,
    label: Option<String>,
    pub guards: Guards,
}

impl FileLock {
    fn make(
        py: Python<'_>,
        path: PathBuf,
        timeout: Timeout,
        shared: bool,
        label: Option<String>,
    ) -> PyResult<FileLock> {
        let mut options = LockOptions::default()
            .timeout(timeout.of_handle())
            .shared(shared);
        if let Some(label) = &label {
            options = options.label(label);
        }
        Ok(FileLock {
            // It is opened later, perhaps after a `chdir`.
            path: check(py, untorn::absolute(path))?,
            exact: false,
            options,
            timeout: timeout.of_handle(),
            shared,
            label,
            guards: Guards::default(),
        })
    }

    /// Makes a lock like this one that is not held.
    pub fn clone_unheld(&self) -> FileLock {
        FileLock {
            path: self.path.clone(),
            exact: self.exact,
            options: self.options.clone(),
            timeout: self.timeout,
            shared: self.shared,
            label: self.label.clone(),
            guards: Guards::default(),
        }
    }

    pub fn take(&self, call: &CallOptions<'_>) -> untorn::Result<LockGuard> {
        if self.exact {
            self.options.acquire_at_with(&self.path, call)
        } else {
            self.options.acquire_with(&self.path, call)
        }
    }

    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub fn is_shared(&self) -> bool {
        self.shared
    }

    fn acquire_by(slf: &Bound<'_, Self>, timeout: Timeout) -> PyResult<()> {
        let (py, lock) = (slf.py(), slf.get());
        let patience = Wait::new(Timeout::Is(timeout.or(lock.timeout)), None);
        let guard = wait(py, &lock.path, &patience, |call| lock.take(call))?;
        lock.guards.push(Arc::new(guard));
        Ok(())
    }

    /// For a call with `lock=`.
    pub fn guard(&self, py: Python<'_>, operation: &'static str) -> PyResult<Arc<LockGuard>> {
        let last = self.guards.last();
        check(
            py,
            last.ok_or_else(|| {
                Error::invalid_argument(operation, &self.path, "the lock given is not held")
            }),
        )
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        let held = self.guards.last().is_some_and(|guard| guard.is_held());
        if held {
            dropped_in_use(&format!(
                "the lock of {} was held when its FileLock was dropped, and is released: release it, or use `with`",
                self.path.display()
            ));
        }
    }
}

/// The guard of `lock=`, if it is set.
pub fn given(
    py: Python<'_>,
    operation: &'static str,
    lock: Option<Instance<'_, '_, FileLock>>,
) -> PyResult<Option<Arc<LockGuard>>> {
    lock.map(|lock| lock.get().guard(py, operation)).transpose()
}

#[pymethods]
impl FileLock {
    #[new]
    #[pyo3(signature = (path, timeout=Timeout::Is(None), *, shared=Value(false), label=None, scheme=None, on_unsupported=None, stale=Value(10.0)), text_signature = "(path, timeout=None, *, shared=False, label=None, scheme=\"sidecar\", on_unsupported=\"fail\", stale=10.0)")]
    #[expect(clippy::too_many_arguments, reason = "each is an option of its own")]
    fn new(
        py: Python<'_>,
        path: Place,
        timeout: Timeout,
        shared: Value<bool>,
        label: Option<Text>,
        scheme: Option<Text>,
        on_unsupported: Option<Text>,
        stale: Value<f64>,
    ) -> PyResult<FileLock> {
        let path = path.0;
        let scheme = checked(py, &path, word(scheme))?;
        let policy = checked(py, &path, word(on_unsupported))?;
        let stale = seconds(py, &path, stale.0)?;
        let label = label.map(|label| label.0);
        let mut lock = FileLock::make(py, path, timeout, shared.0, label)?;
        lock.options = lock
            .options
            .clone()
            .scheme(scheme)
            .on_unsupported(policy)
            .stale(stale);
        Ok(lock)
    }

    /// Makes a lock that is exactly the file `path`, whatever its name is.
    #[classmethod]
    #[pyo3(signature = (path, *, timeout=Timeout::Is(None), shared=Value(false), label=None), text_signature = "($type, path, *, timeout=None, shared=False, label=None)")]
    fn at(
        class: &Bound<'_, PyType>,
        path: Place,
        timeout: Timeout,
        shared: Value<bool>,
        label: Option<Text>,
    ) -> PyResult<FileLock> {
        let label = label.map(|label| label.0);
        let mut lock = FileLock::make(class.py(), path.0, timeout, shared.0, label)?;
        lock.exact = true;
        Ok(lock)
    }

    /// Takes the lock. Returns this object, for `with`. `timeout` replaces that
    /// of the object for this call; `blocking=False` tries once.
    ///
    /// Raises `LockTimeout` or `Locked`, which name the holder if it is known,
    /// and `Deadlock` if this thread already holds the lock.
    #[pyo3(signature = (timeout=Timeout::Handles, *, blocking=Value(true)), text_signature = "($self, timeout=..., *, blocking=True)")]
    fn acquire(
        slf: Bound<'_, Self>,
        timeout: Timeout,
        blocking: Value<bool>,
    ) -> PyResult<Acquired> {
        FileLock::acquire_by(&slf, timeout.unless(slf.py(), !blocking.0)?)?;
        Ok(Acquired::new(slf.into_any().unbind()))
    }

    /// Releases the lock. Does nothing if it is not held, and in a forked child,
    /// where the lock is the parent's.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        match self.guards.pop() {
            Some(guard) => plain(py, &self.path, || guard.release()),
            None => Ok(()),
        }
    }

    /// Hands the lock over to another process of this machine, its successor, and
    /// releases it. The successor acquires it as always. No other process gets
    /// the lock until the successor has acquired it or has ended.
    ///
    /// `InvalidArgument`: the lock is shared or not held, or the successor has
    /// ended or can't be seen from here. After any error it is held as before.
    fn transfer(&self, py: Python<'_>, to: Instance<'_, '_, Process>) -> PyResult<()> {
        let guard = self.guard(py, "transfer")?;
        let heir = &to.get().0;
        plain(py, &self.path, || guard.transfer(heir))?;
        self.guards.forget(&guard);
        Ok(())
    }

    /// The same as `release`; every handle has `close`.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.release(py)
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        FileLock::acquire_by(&slf, Timeout::Handles)?;
        Ok(slf)
    }

    #[pyo3(signature = (exc_type, exc_value, traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        exc_type: &Bound<'_, PyAny>,
        exc_value: &Bound<'_, PyAny>,
        traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let _ = (exc_type, exc_value, traceback);
        self.release(py)
    }

    /// Whether this process holds the lock through this object.
    #[getter]
    fn held(&self, py: Python<'_>) -> bool {
        let last = self.guards.last();
        // Detached: a call that works under the lock may be using it.
        py.detach(|| last.is_some_and(|guard| guard.is_held()))
    }

    /// The path that was passed, as an absolute path.
    #[getter]
    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// Whether others may share it.
    #[getter]
    fn shared(&self) -> bool {
        self.shared
    }

    /// Whether `path` is the lock file itself.
    #[getter(_exact)]
    fn is_exact(&self) -> bool {
        self.exact
    }

    /// The timeout in seconds; `None` waits without a limit.
    #[getter(_timeout)]
    fn seconds(&self) -> Option<f64> {
        self.timeout.map(|limit| limit.as_secs_f64())
    }

    /// The label that other processes see.
    #[getter]
    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let name = if self.exact {
            "FileLock.at"
        } else {
            "FileLock"
        };
        let held = if self.held(py) { ", held" } else { "" };
        format!("<untorn.{name} '{}'{held}>", self.path.display())
    }
}
