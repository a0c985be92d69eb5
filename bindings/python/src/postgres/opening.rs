//! What is done with a database before a store is opened.

use std::path::Path;

use pyo3::prelude::*;

use super::call::ask;
use super::driver::PyDriver;
use crate::argument::Text;

/// Applies the migrations that are missing, and returns how many.
#[pyfunction]
pub fn postgres_migrate(py: Python<'_>, adapter: Py<PyAny>, schema: Text) -> PyResult<usize> {
    let driver = PyDriver::new(py, adapter)?;
    let schema = &*schema;
    ask(py, Path::new(schema), move || {
        untorn_postgres::migrate_with(driver, schema)
    })
}

/// Returns what was tried: name, whether it is as needed, what was found, and what is
/// lost without it.
#[pyfunction]
pub fn postgres_selftest(
    py: Python<'_>,
    adapter: Py<PyAny>,
    schema: Text,
) -> PyResult<Vec<(String, bool, String, String)>> {
    let driver = PyDriver::new(py, adapter)?;
    let schema = &*schema;
    let checks = ask(py, Path::new(schema), move || {
        untorn_postgres::selftest(driver, schema)
    })?;
    let parts = checks
        .into_iter()
        .map(|check| (check.name, check.ok, check.found, check.why));
    Ok(parts.collect())
}
