//! The native half of `untorn.aio.FileLock`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use untorn::LockGuard;
use untorn::tasks::Order;

use super::{Request, none};
use crate::argument::{Instance, Place};
use crate::error::make_holder;
use crate::lock::FileLock;
use crate::process::Process;
use crate::timeout::Timeout;

type Awaitable<'py> = PyResult<Bound<'py, PyAny>>;

/// A lock that was taken, and belongs to no `FileLock` yet.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct Taken(Arc<LockGuard>);

/// Takes the lock; gives a `Taken`.
#[pyfunction]
pub fn acquire_later<'py>(
    py: Python<'py>,
    lock: &Bound<'_, FileLock>,
    timeout: Timeout,
) -> Awaitable<'py> {
    let lock = lock.get().clone_unheld();
    let path: Arc<Path> = lock.path().into();
    let limit = timeout.or(lock.timeout());
    // In the order of the calls. A call that shares must not stand behind one that
    // waits for the sharers' release.
    let order = if lock.is_shared() || limit == Some(Duration::ZERO) {
        Order::Unordered
    } else {
        Order::File(path.join("acquire"))
    };
    let request = Request {
        order,
        limit,
        ..Request::read("lock", &path)
    };
    request.keeping_lock().run(
        py,
        move |call| lock.take(call),
        |py, guard| Ok(Bound::new(py, Taken(Arc::new(guard)))?.into_any()),
    )
}

/// Releases the lock that was taken last, after the work that was begun under
/// it.
#[pyfunction]
pub fn release_later<'py>(
    py: Python<'py>,
    lock: &Bound<'_, FileLock>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(guard) = lock.get().guards.pop() else {
        return Ok(None);
    };
    let path: Arc<Path> = guard.path().into();
    let request = Request::always("release", &path, Order::under(&guard));
    request
        .run(py, move |_| guard.release(), |py, ()| none(py))
        .map(Some)
}

/// Gives the lock to another process, and forgets it here.
#[pyfunction]
pub fn transfer_later<'py>(
    py: Python<'py>,
    lock: &Bound<'_, FileLock>,
    to: Instance<'_, '_, Process>,
) -> Awaitable<'py> {
    let guard = lock.get().guard(py, "transfer")?;
    let (lock, to) = (lock.clone().unbind(), to.get().0.clone());
    let path: Arc<Path> = guard.path().into();
    Request::always("transfer", &path, Order::under(&guard)).run(
        py,
        move |_| guard.transfer(&to).map(|()| guard),
        move |py, guard| {
            lock.get().guards.forget(&guard);
            none(py)
        },
    )
}

/// Returns the current holder of the lock of the file `path`.
#[pyfunction]
pub fn holder_later(py: Python<'_>, path: Place) -> Awaitable<'_> {
    let path: Arc<Path> = path.0.into();
    let asked = Arc::clone(&path);
    Request::read("holder", &path).run(
        py,
        move |_| untorn::holder(&asked),
        |py, holder| match holder {
            Some(holder) => make_holder(py, &holder),
            None => none(py),
        },
    )
}

#[pymethods]
impl Taken {
    /// Makes it one that `lock` holds.
    fn keep(&self, lock: &Bound<'_, FileLock>) {
        lock.get().guards.push(Arc::clone(&self.0));
    }

    /// Releases a lock that no task wants any more.
    fn release(&self, py: Python<'_>) {
        // No task would hear of an error, and a release has none today.
        let _ = py.detach(|| self.0.release());
    }
}
