//! Reading a journal, awaited.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use super::Request;
use crate::reader::{State, list, values};

type Awaitable<'py> = PyResult<Bound<'py, PyAny>>;

/// Reads a journal from somewhere on.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct LaterReader {
    path: Arc<Path>,
    /// Locked only where it is read.
    state: Arc<Mutex<State>>,
}

impl LaterReader {
    pub fn new(path: Arc<Path>, state: Arc<Mutex<State>>) -> LaterReader {
        LaterReader { path, state }
    }
}

#[pymethods]
impl LaterReader {
    /// As `Reader._next`.
    fn next<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let state = Arc::clone(&self.state);
        Request::read("read", &self.path).run(
            py,
            move |_| state.lock().unwrap_or_else(PoisonError::into_inner).next(),
            |py, items| Ok(list(py, items)?.into_any()),
        )
    }

    /// As `Reader._values`.
    fn values<'py>(&self, py: Python<'py>, ends: bool, loads: Option<Py<PyAny>>) -> Awaitable<'py> {
        let state = Arc::clone(&self.state);
        Request::read("read", &self.path).run(
            py,
            move |_| state.lock().unwrap_or_else(PoisonError::into_inner).next(),
            move |py, items| {
                let loads = loads.as_ref().map(|loads| loads.bind(py));
                values(py, items, ends, loads)?.into_bound_py_any(py)
            },
        )
    }
}
