//! How a thread of the library wakes the event loop.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use napi::sys;

/// Wakes one event loop, until that ends.
pub struct Waker(Mutex<Option<Function>>);

struct Function(sys::napi_threadsafe_function);

// SAFETY: Node-API lets every thread call a thread-safe function; that it still
// exists is what the mutex around it guarantees.
unsafe impl Send for Function {}

impl Waker {
    pub fn new(function: sys::napi_threadsafe_function) -> Waker {
        Waker(Mutex::new(Some(Function(function))))
    }

    /// To be called before Node frees the function.
    pub fn close(&self) {
        *self.function() = None;
    }

    /// `false`: the loop is closed.
    pub fn wake(&self) -> bool {
        let mut function = self.function();
        let Some(Function(waker)) = *function else {
            return false;
        };
        // SAFETY: `close` takes the function out, under the same mutex, before
        // Node frees it.
        let status = unsafe {
            sys::napi_call_threadsafe_function(
                waker,
                ptr::null_mut::<c_void>(),
                sys::ThreadsafeFunctionCallMode::nonblocking,
            )
        };
        if status != sys::Status::napi_ok {
            // It is closing: it must not be called again.
            *function = None;
            return false;
        }
        true
    }

    fn function(&self) -> MutexGuard<'_, Option<Function>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
