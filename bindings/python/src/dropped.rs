//! Objects that are dropped while they are in use.

use std::ffi::CString;

use pyo3::exceptions::PyResourceWarning;
use pyo3::prelude::*;

/// Warns about an object that is collected while it is in use, as Python does for
/// an open file.
pub fn dropped_in_use(message: &str) {
    let Ok(message) = CString::new(message) else {
        return;
    };
    Python::try_attach(|py| {
        // The frame that had the object may be passing an exception on.
        let raised = PyErr::take(py);
        let category = py.get_type::<PyResourceWarning>();
        if let Err(error) = PyErr::warn(py, &category, &message, 1) {
            error.write_unraisable(py, None);
        }
        if let Some(raised) = raised {
            raised.restore(py);
        }
    });
}
