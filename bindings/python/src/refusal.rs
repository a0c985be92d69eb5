//! Refuses an argument before its file is known.

use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;

/// Refuses an argument.
#[cold]
pub fn invalid(py: Python<'_>, why: impl Into<String>) -> PyErr {
    refused(py, "InvalidArgument", why)
}

/// Refuses an argument with the exception of this name.
#[cold]
pub fn refused(py: Python<'_>, class: &str, why: impl Into<String>) -> PyErr {
    py.import("untorn._errors")
        .and_then(|errors| errors.getattr(class))
        .and_then(|class| class.call1((why.into(),)))
        .map_or_else(|error| error, PyErr::from_value)
}

/// Says what was expected instead of an object, if `error` says that the object is of a wrong type or out of
/// range. Another error is the object's own.
#[cold]
pub fn unexpected(object: &Bound<'_, PyAny>, expected: &str, error: PyErr) -> PyErr {
    let py = object.py();
    if !error.is_instance_of::<PyTypeError>(py) && !error.is_instance_of::<PyOverflowError>(py) {
        return error;
    }
    let class = object.get_type();
    let given = match class.name() {
        Ok(name) if error.is_instance_of::<PyTypeError>(py) => name.to_string(),
        Ok(_) => object.to_string(),
        Err(error) => return error,
    };
    let hint = match given.as_str() {
        "timedelta" => ": pass its total_seconds()",
        _ => "",
    };
    let refused = invalid(py, format!("expected {expected}, not {given}{hint}"));
    refused.set_cause(py, Some(error));
    refused
}
