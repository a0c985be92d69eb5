//! Strings for C.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::ptr;

/// Converts a text for C. A NUL inside would end the string early, and any
/// program can write one into a label file: it becomes U+FFFD.
pub(crate) fn c_string(text: &str) -> CString {
    CString::new(text)
        .unwrap_or_else(|_| CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default())
}

/// Converts a path for C: the bytes by which the system knows it.
pub(crate) fn c_path(path: &Path) -> CString {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        // A path that the system returned or accepted contains no NUL.
        CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
    }
    #[cfg(not(unix))]
    c_string(&path.to_string_lossy())
}

/// The string, or NULL.
pub(crate) fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}

/// Hands a path over to the caller.
pub(crate) fn give_path(path: &Path) -> *mut c_char {
    c_path(path).into_raw()
}

/// Frees a string that a function handed over through a pointer to char *. NULL
/// is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: from `give_path`, and not used any more.
        drop(unsafe { CString::from_raw(string) });
    }
}
