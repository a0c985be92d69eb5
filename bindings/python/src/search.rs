//! The results of a search.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyList;
use untorn::Hit;

use crate::position::Position;

static HIT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Makes a list of `untorn.Hit`. The place of the match in the snippet is counted
/// in characters, as Python slices.
pub fn hits<'py>(py: Python<'py>, found: &[Hit]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for hit in found {
        let (start, end) = hit.range;
        let before = hit.snippet[..start].chars().count();
        let length = hit.snippet[start..end].chars().count();
        list.append(HIT.import(py, "untorn._types", "Hit")?.call1((
            &hit.key,
            Position::from(hit.position),
            &hit.snippet,
            (before, before + length),
        ))?)?;
    }
    Ok(list)
}
