//! Ending another thread's wait.

use crate::argument::take_back;
use crate::guard::quietly;

/// Ends the waits of the calls that were given it. A cancelled call has changed
/// nothing and holds no lock. A token stays cancelled.
pub struct Cancel {
    pub(crate) token: untorn::CancelToken,
}

/// A token that is not cancelled, to be freed after the calls that were given
/// it have returned.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn untorn_cancel_new() -> *mut Cancel {
    quietly(std::ptr::null_mut(), || {
        Box::into_raw(Box::new(Cancel {
            token: untorn::CancelToken::new(),
        }))
    })
}

/// Ends the waits at once, and those that begin later with this token: the
/// calls return UNTORN_CANCELLED. May be called from any thread, but not from a
/// signal handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_cancel_trigger(cancel: *const Cancel) {
    // SAFETY: NULL or a token.
    if let Some(cancel) = unsafe { cancel.as_ref() } {
        quietly((), || cancel.token.cancel());
    }
}

/// Whether untorn_cancel_trigger() was called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_cancel_is_triggered(cancel: *const Cancel) -> bool {
    // SAFETY: NULL or a token.
    unsafe { cancel.as_ref() }.is_some_and(|cancel| cancel.token.is_cancelled())
}

/// Frees a token. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_cancel_free(cancel: *mut Cancel) {
    // SAFETY: NULL or a token, which the caller uses no more.
    unsafe { take_back(cancel) }
}
