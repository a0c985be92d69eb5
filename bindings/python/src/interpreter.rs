//! Admits the main interpreter and no other.
//!
//! PyO3 keeps the classes of a module in statics of the process. A second
//! interpreter would receive those of the first, and the first would keep freed
//! classes when the second ends. PyO3 itself refuses only modules within modules.

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;

/// CPython's number of the interpreter with which a process begins.
const MAIN: i64 = 0;

const REFUSED: &str = "untorn works in the main interpreter only, not in a sub-interpreter: use threads or processes \
    (mod_wsgi: WSGIApplicationGroup %{GLOBAL})";

/// Fails in every other interpreter. It must be called while the module is filled: the
/// function that begins the import runs in the main interpreter, from CPython 3.13 on.
pub fn refuse_others(_: Python<'_>) -> PyResult<()> {
    // SAFETY: the thread is attached, so there is a current interpreter.
    match unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) } {
        MAIN => Ok(()),
        _ => Err(PyImportError::new_err(REFUSED)),
    }
}
