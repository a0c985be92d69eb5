//! Strings that C reads.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::ptr;

/// For C. A NUL inside (a label in a file that anybody can write) would cut
/// the text off: it is shown as U+FFFD.
pub(crate) fn c_string(text: &str) -> CString {
    CString::new(text)
        .unwrap_or_else(|_| CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default())
}

/// A path as C has it: the bytes that the system knows it by.
pub(crate) fn c_path(path: &Path) -> CString {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        // No path that the system gave or took has a NUL in it.
        CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
    }
    #[cfg(not(unix))]
    c_string(&path.to_string_lossy())
}

/// The string, or NULL.
pub(crate) fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}

/// A path that is the caller's.
pub(crate) fn give_path(path: &Path) -> *mut c_char {
    c_path(path).into_raw()
}

/// Frees a string that a function gave through a pointer to char *. NULL is
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: from `give_path`, and not used any more.
        drop(unsafe { CString::from_raw(string) });
    }
}
