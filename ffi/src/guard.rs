//! The border that no panic crosses.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::code::{Code, UNTORN_OK};
use crate::error::Error;

/// Runs the body of a function that returns a code, and hands its error over.
///
/// A panic becomes `UNTORN_INTERNAL`. The body shares only the core's state with
/// others. The core continues after a panic (it also takes a poisoned mutex), so
/// `AssertUnwindSafe` is true here.
pub(crate) fn guard(
    error_out: *mut *mut Error,
    operation: &'static str,
    body: impl FnOnce() -> untorn::Result<()>,
) -> Code {
    let result = catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|panic| Err(panicked(operation, &*panic)));
    match result {
        Ok(()) => {
            // SAFETY: NULL, or where the caller wants the error.
            if let Some(place) = unsafe { error_out.as_mut() } {
                *place = std::ptr::null_mut();
            }
            UNTORN_OK
        }
        Err(error) => hand_over(error_out, error),
    }
}

#[cold]
fn hand_over(error_out: *mut *mut Error, error: untorn::Error) -> Code {
    let code = crate::code::of(error.kind());
    // SAFETY: NULL, or where the caller wants the error.
    if let Some(place) = unsafe { error_out.as_mut() } {
        *place = Error::into_raw(error);
    }
    code
}

#[cold]
fn panicked(operation: &'static str, panic: &(dyn Any + Send)) -> untorn::Error {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message");
    untorn::Error::internal(
        operation,
        Path::new(""),
        format!("a bug in untorn, please report it: {said}"),
    )
}

/// Runs the body of a function that returns something else. Only a bug can make
/// it fail.
pub(crate) fn quietly<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::{guard, quietly};
    use crate::code::{UNTORN_INTERNAL, UNTORN_OK};
    use crate::error::{Error, untorn_error_code, untorn_error_free, untorn_error_message};
    use std::ffi::CStr;
    use std::ptr;

    #[test]
    fn a_panic_becomes_an_error() {
        let mut error: *mut Error = ptr::null_mut();
        let code = guard(&raw mut error, "append", || panic!("number {}", 7));
        assert_eq!(code, UNTORN_INTERNAL);
        // SAFETY: just handed over, freed once.
        unsafe {
            assert_eq!(untorn_error_code(error), UNTORN_INTERNAL);
            let message = CStr::from_ptr(untorn_error_message(error));
            assert_eq!(
                message.to_str(),
                Ok("append: a bug in untorn, please report it: number 7")
            );
            untorn_error_free(error);
        }
        assert_eq!(
            guard(ptr::null_mut(), "append", || panic!("x")),
            UNTORN_INTERNAL
        );
        assert_eq!(quietly(5, || panic!("x")), 5);
    }

    #[test]
    fn success_clears_the_error() {
        let mut error: *mut Error = ptr::dangling_mut();
        assert_eq!(guard(&raw mut error, "append", || Ok(())), UNTORN_OK);
        assert!(error.is_null());
    }
}
