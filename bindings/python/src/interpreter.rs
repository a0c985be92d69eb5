//! The extension's entry point, which admits the main interpreter and no other.
//!
//! PyO3 keeps the classes of a module in statics of the process. A second
//! interpreter would receive those of the first, and the first would keep freed
//! classes when the second ends. PyO3 itself refuses only modules within modules.

use std::ptr::null_mut;

use pyo3::ffi;

/// CPython's number of the interpreter with which a process begins.
const MAIN: i64 = 0;

const REFUSED: &std::ffi::CStr = c"untorn works in the main interpreter only, not in a \
    sub-interpreter: use threads or processes (mod_wsgi: WSGIApplicationGroup %{GLOBAL})";

/// Begins the import: CPython calls it in each interpreter that imports the extension.
#[cfg(not(all(Py_3_15, Py_LIMITED_API, Py_GIL_DISABLED)))]
#[unsafe(export_name = "PyInit__untorn")]
pub extern "C" fn init() -> *mut ffi::PyObject {
    match is_main() {
        // SAFETY: CPython calls this with a thread that is attached; it is what it would
        // call otherwise.
        true => unsafe { super::_untorn::__pyo3_init() },
        false => null_mut(),
    }
}

/// The same in the stable ABI of free-threaded Python, which hides what a module is made of.
#[cfg(all(Py_3_15, Py_LIMITED_API, Py_GIL_DISABLED))]
#[unsafe(export_name = "PyModExport__untorn")]
pub extern "C" fn export() -> *mut ffi::PySlot {
    match is_main() {
        // SAFETY: as above.
        true => unsafe { super::_untorn::__pyo3_export() },
        false => null_mut(),
    }
}

/// Raises an exception if this interpreter is not the main one.
fn is_main() -> bool {
    // SAFETY: the caller's thread is attached, so there is a current interpreter.
    let interpreter = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
    if interpreter != MAIN {
        // SAFETY: as above; the exception's class and the text live as long as the process.
        unsafe { ffi::PyErr_SetString(ffi::PyExc_ImportError, REFUSED.as_ptr()) };
    }
    interpreter == MAIN
}
