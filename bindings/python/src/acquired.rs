//! The result of `FileLock.acquire`.

use pyo3::intern;
use pyo3::prelude::*;

/// A `FileLock` that was acquired, for `with lock.acquire(): ...`.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct Acquired(Py<PyAny>);

impl Acquired {
    pub fn new(lock: Py<PyAny>) -> Acquired {
        Acquired(lock)
    }
}

#[pymethods]
impl Acquired {
    fn __enter__(&self, py: Python<'_>) -> Py<PyAny> {
        self.0.clone_ref(py)
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
        self.0.call_method0(py, intern!(py, "release")).map(drop)
    }
}
