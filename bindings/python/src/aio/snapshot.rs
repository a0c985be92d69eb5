//! The native half of `untorn.aio.Snapshot`.

use std::path::Path;
use std::sync::{Arc, Mutex};

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use untorn::tasks::Order;

use super::Request;
use super::reader::LaterReader;
use crate::argument::{Place, Text};
use crate::options;
use crate::reader::State;
use crate::snapshot::RawSnapshot;
use crate::timeout::Timeout;
use crate::transaction::contents;

type Awaitable<'py> = PyResult<Bound<'py, PyAny>>;

/// Gives a `RawSnapshot`.
#[pyfunction]
pub fn take_snapshot_later(py: Python<'_>, dir: Place, timeout: Timeout) -> Awaitable<'_> {
    let path: Arc<Path> = dir.0.into();
    let dir = Arc::clone(&path);
    let request = Request {
        order: Order::Unordered,
        limit: timeout.of_handle(),
        ..Request::read("snapshot", &path)
    };
    request.run(
        py,
        move |call| untorn::snapshot_with(&dir, call),
        |py, snapshot| Ok(Bound::new(py, RawSnapshot::new(snapshot))?.into_any()),
    )
}

#[pyfunction]
pub fn snapshot_load_later<'py>(
    py: Python<'py>,
    snapshot: &Bound<'_, RawSnapshot>,
    name: Text,
) -> Awaitable<'py> {
    let name = name.0;
    let snapshot = snapshot.get().core(py, "load")?;
    let path: Arc<Path> = snapshot.dir().into();
    Request::read("load", &path).run(
        py,
        move |_| snapshot.load(&name),
        |py, found| contents(py, found).into_bound_py_any(py),
    )
}

/// Gives a `LaterReader`.
#[pyfunction]
pub fn snapshot_reader_later<'py>(
    py: Python<'py>,
    snapshot: &Bound<'_, RawSnapshot>,
    name: Text,
    options: &Bound<'_, PyDict>,
) -> Awaitable<'py> {
    let name = name.0;
    let snapshot = snapshot.get().core(py, "read")?;
    let options = options::journal(snapshot.dir(), options)?;
    let path: Arc<Path> = snapshot.dir().join(&name).into();
    let of = Arc::clone(&path);
    Request::read("read", &path).run(
        py,
        move |_| snapshot.records_as(&name, &options),
        move |py, records| {
            let state = Arc::new(Mutex::new(State::new(records)));
            Ok(Bound::new(py, LaterReader::new(of, state))?.into_any())
        },
    )
}
