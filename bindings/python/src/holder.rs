//! Which process holds a lock.

use pyo3::prelude::*;

use crate::argument::Place;
use crate::call::plain;
use crate::error::make_holder;

/// Returns the process that holds the lock of the file `path` now; `None` if none
/// does, or it is not known.
#[pyfunction]
pub fn holder(py: Python<'_>, path: Place) -> PyResult<Option<Bound<'_, PyAny>>> {
    let path = path.0;
    plain(py, &path, || untorn::holder(&path))?
        .map(|holder| make_holder(py, &holder))
        .transpose()
}
