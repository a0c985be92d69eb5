//! The codes.

use std::ffi::c_char;

pub use crate::codes::*;

/// The result of a call: UNTORN_OK, or the reason of a failure. A new version may
/// add codes. A number is never used again for another meaning.
pub type Code = i32;

/// Returns the name of a code, for example "UNTORN_LOCK_TIMEOUT", or NULL for
/// another number. The string is static.
#[unsafe(no_mangle)]
pub extern "C" fn untorn_code_name(code: Code) -> *const c_char {
    usize::try_from(code)
        .ok()
        .and_then(|index| NAMES.get(index))
        .map_or(std::ptr::null(), |name| name.as_ptr())
}

#[cfg(test)]
mod tests {
    use super::{of, untorn_code_name};
    use std::ffi::CStr;
    use untorn::ErrorKind;

    #[test]
    fn codes_are_numbered_and_named_as_the_core_lists_them() {
        for (index, kind) in ErrorKind::ALL.iter().enumerate() {
            let code = of(*kind);
            assert_eq!(usize::try_from(code), Ok(index + 1), "{kind}");
            // SAFETY: a static string.
            let name = unsafe { CStr::from_ptr(untorn_code_name(code)) };
            assert_eq!(name.to_str(), Ok(&*format!("UNTORN_{kind}")));
        }
        let last = i32::try_from(ErrorKind::ALL.len()).unwrap_or(i32::MAX);
        assert!(untorn_code_name(last + 1).is_null());
        assert!(untorn_code_name(-1).is_null());
    }
}
