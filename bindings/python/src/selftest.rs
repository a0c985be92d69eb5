//! Tests whether locks work in a directory.

use std::path::Path;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use untorn::{Scheme, SelfTest};

use crate::argument::{Place, Text};
use crate::call::plain;
use crate::given::checked;

static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Tests with a second process whether locks, renames and syncs work in this
/// directory, with this scheme.
#[pyfunction]
#[pyo3(signature = (dir, *, scheme=Text("sidecar".into())), text_signature = "(dir, *, scheme=\"sidecar\")")]
pub fn selftest<'py>(py: Python<'py>, dir: Place, scheme: Text) -> PyResult<Bound<'py, PyAny>> {
    let dir = dir.0;
    let scheme = parse(py, &dir, &scheme)?;
    let report = plain(py, &dir, || untorn::selftest_with(&dir, scheme))?;
    make(py, &report)
}

pub fn parse(py: Python<'_>, dir: &Path, scheme: &str) -> PyResult<Scheme> {
    checked(py, dir, scheme.parse())
}

pub fn make<'py>(py: Python<'py>, report: &SelfTest) -> PyResult<Bound<'py, PyAny>> {
    let checks: Vec<_> = report
        .checks
        .iter()
        .map(|check| (check.name, check.outcome.as_str(), check.detail.as_str()))
        .collect();
    MAKE.import(py, "untorn._types", "_make_self_test")?.call1((
        &report.dir,
        &report.file_system,
        report.scheme.as_str(),
        checks,
        report.to_string(),
    ))
}
