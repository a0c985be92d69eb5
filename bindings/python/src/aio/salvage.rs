//! The native half of what `untorn.aio.Journal` does about damage.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::Request;
use super::journal::LaterJournal;
use crate::argument::Instance;
use crate::lock::FileLock;
use crate::position::Position;
use crate::process::Process;
use crate::salvage::{make_held, make_salvage, make_torn};
use crate::timeout::{Timeout, age};

type Awaitable<'py> = PyResult<Bound<'py, PyAny>>;

#[pyfunction]
pub fn salvage_later<'py>(
    py: Python<'py>,
    journal: &Bound<'py, LaterJournal>,
    plan: bool,
    timeout: Timeout,
    lock: Option<Instance<'_, '_, FileLock>>,
) -> Awaitable<'py> {
    let later = journal.get();
    let core = Arc::clone(later.core());
    let request = match plan {
        true => Request::read("salvage", later.path()),
        false => later.change(py, "salvage", timeout, lock)?,
    };
    request.run(
        py,
        move |call| match plan {
            true => core.salvage_plan(),
            false => core.salvage_with(call),
        },
        |py, done| make_salvage(py, &done),
    )
}

#[pyfunction]
pub fn torn_later<'py>(py: Python<'py>, journal: &Bound<'py, LaterJournal>) -> Awaitable<'py> {
    let later = journal.get();
    let core = Arc::clone(later.core());
    Request::read("torn", later.path()).run(
        py,
        move |_| core.torn(),
        |py, found| make_torn(py, &found)?.into_bound_py_any(py),
    )
}

#[pyfunction]
pub fn torn_bytes_later<'py>(
    py: Python<'py>,
    journal: &Bound<'py, LaterJournal>,
    number: u64,
) -> Awaitable<'py> {
    let later = journal.get();
    let core = Arc::clone(later.core());
    Request::read("torn", later.path()).run(
        py,
        move |_| core.torn_bytes(number),
        |py, bytes| Ok(PyBytes::new(py, &bytes).into_any()),
    )
}

#[pyfunction]
pub fn restore_torn_later<'py>(
    py: Python<'py>,
    journal: &Bound<'py, LaterJournal>,
    number: u64,
    timeout: Timeout,
    lock: Option<Instance<'_, '_, FileLock>>,
) -> Awaitable<'py> {
    let later = journal.get();
    let core = Arc::clone(later.core());
    later.change(py, "append", timeout, lock)?.run(
        py,
        move |call| core.restore_torn_with(number, call),
        |py, end| Ok(Bound::new(py, Position::from(end))?.into_any()),
    )
}

#[pyfunction]
pub fn prune_torn_later<'py>(
    py: Python<'py>,
    journal: &Bound<'py, LaterJournal>,
    older_than: f64,
    timeout: Timeout,
    lock: Option<Instance<'_, '_, FileLock>>,
) -> Awaitable<'py> {
    let later = journal.get();
    let core = Arc::clone(later.core());
    let age = age(py, older_than)?;
    later.change(py, "prune_torn", timeout, lock)?.run(
        py,
        move |call| core.prune_torn_with(age, call),
        |py, count| count.into_bound_py_any(py),
    )
}

#[pyfunction]
pub fn waiters_later(py: Python<'_>, path: PathBuf) -> Awaitable<'_> {
    let path: Arc<Path> = path.into();
    let asked = Arc::clone(&path);
    Request::read("waiters", &path).run(
        py,
        move |_| untorn::waiters(&asked),
        |py, found| {
            let found: Vec<_> = found.into_iter().map(Process).collect();
            found.into_bound_py_any(py)
        },
    )
}

#[pyfunction]
pub fn held_below_later(py: Python<'_>, dir: PathBuf) -> Awaitable<'_> {
    let dir: Arc<Path> = dir.into();
    let asked = Arc::clone(&dir);
    Request::read("held", &dir).run(
        py,
        move |_| untorn::held_below(&asked),
        |py, found| make_held(py, found)?.into_bound_py_any(py),
    )
}
