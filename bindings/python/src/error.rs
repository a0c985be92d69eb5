//! Converts `untorn::Error` to the Python exception of its kind.

use std::path::Path;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use untorn::{Error, Holder};
use untorn_postgres::Refusal;

use crate::position;

/// `untorn._errors._from_core`. Python defines the classes, since each derives
/// from two.
static FROM_CORE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static HOLDER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

#[cold]
pub fn raise(py: Python<'_>, error: &Error) -> PyErr {
    match build(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

fn build<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let from_core = FROM_CORE.import(py, "untorn._errors", "_from_core")?;
    from_core.call1((
        error.kind().code(),
        error.to_string(),
        error.path(),
        error.operation(),
        error.raw_os_error(),
        error
            .holder()
            .map(|holder| make_holder(py, holder))
            .transpose()?,
        error.position().map(position::Position::from),
        said(error),
    ))
}

/// Returns code, detail and hint of a server's error.
fn said(error: &Error) -> Option<(&str, Option<&str>, Option<&str>)> {
    let source = std::error::Error::source(error)?;
    let refusal: &Refusal = source.downcast_ref()?;
    let (detail, hint) = (refusal.detail.as_deref(), refusal.hint.as_deref());
    Some((&refusal.sqlstate, detail, hint))
}

/// Makes an `untorn.Holder`, a plain value that can be stored and pickled.
pub fn make_holder<'py>(py: Python<'py>, holder: &Holder) -> PyResult<Bound<'py, PyAny>> {
    HOLDER.import(py, "untorn._types", "Holder")?.call1((
        holder.pid,
        holder.start,
        holder.boot.as_deref(),
        holder.namespace.as_deref(),
        holder.host.as_deref(),
        holder.label.as_deref(),
        holder.since.as_deref(),
        holder.alive().as_str(),
    ))
}

/// Converts an error that the binding itself found.
pub fn check<T>(py: Python<'_>, result: Result<T, Error>) -> PyResult<T> {
    result.map_err(|error| raise(py, &error))
}

/// A panic that was caught at the border.
#[cold]
pub fn of_panic(panic: &(dyn std::any::Any + Send), path: &Path) -> Error {
    untorn::tasks::of_panic("call", path, panic)
}
