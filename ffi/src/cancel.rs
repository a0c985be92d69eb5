//! Tokens that end the wait of another thread.

use crate::argument::take_back;
use crate::guard::quietly;

/// A token that ends the waits of all calls that use it. A cancelled call has
/// changed nothing and holds no lock. A token stays cancelled.
pub struct Cancel {
    pub(crate) token: untorn::CancelToken,
}

/// Makes a token that is not cancelled. Free it with untorn_cancel_free() after
/// the calls that use it have returned.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn untorn_cancel_new() -> *mut Cancel {
    quietly(std::ptr::null_mut(), || {
        Box::into_raw(Box::new(Cancel {
            token: untorn::CancelToken::new(),
        }))
    })
}

/// Ends the waits that use this token now, and those that begin later. Their
/// calls return UNTORN_CANCELLED. Any thread may call this, but not a signal
/// handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_cancel_trigger(cancel: *const Cancel) {
    // SAFETY: NULL or a token.
    if let Some(cancel) = unsafe { cancel.as_ref() } {
        quietly((), || cancel.token.cancel());
    }
}

/// Returns whether untorn_cancel_trigger() was called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_cancel_is_triggered(cancel: *const Cancel) -> bool {
    // SAFETY: NULL or a token.
    unsafe { cancel.as_ref() }.is_some_and(|cancel| cancel.token.is_cancelled())
}

/// Frees a token. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_cancel_free(cancel: *mut Cancel) {
    // SAFETY: NULL or a token, which the caller uses no more.
    unsafe { take_back(cancel) }
}
