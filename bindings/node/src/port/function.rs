//! The function by which threads of the library reach the event loop.

use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

use napi::{Env, Status, sys};

use super::Inner;
use crate::news::News;
use crate::waker::Waker;

impl Inner {
    pub(super) fn open(self: &Rc<Inner>, env: &Env) -> napi::Result<()> {
        let name = env.create_string("untorn")?;
        let context = Box::into_raw(Box::new(Rc::clone(self)));
        let mut function = ptr::null_mut();
        // SAFETY: `context` is freed by `finalize`, which Node calls once, after
        // the last `wake`.
        let status = unsafe {
            sys::napi_create_threadsafe_function(
                self.env,
                ptr::null_mut(),
                ptr::null_mut(),
                napi::JsValue::raw(&name),
                0,
                1,
                context.cast(),
                Some(finalize),
                context.cast(),
                Some(wake),
                &raw mut function,
            )
        };
        if status != sys::Status::napi_ok {
            // SAFETY: no other code has it.
            drop(unsafe { Box::from_raw(context) });
            return Err(napi::Error::new(
                Status::from(status),
                "the way back to the event loop could not be opened",
            ));
        }
        // SAFETY: it was made just now, on this thread. An idle library does
        // not keep the process alive.
        unsafe { sys::napi_unref_threadsafe_function(self.env, function) };
        self.function.set(function);
        let waker = Arc::clone(self.waker.get_or_init(|| Arc::new(Waker::new(function))));
        self.news.get_or_init(|| News::open(Arc::clone(&waker)));
        self.tasks.open(waker);
        Ok(())
    }
}

/// Called by Node on the event loop after a thread has reported a result.
unsafe extern "C" fn wake(
    env: sys::napi_env,
    _: sys::napi_value,
    context: *mut c_void,
    _: *mut c_void,
) {
    if env.is_null() {
        // Node empties its queue: the environment is gone.
        return;
    }
    // SAFETY: the box that `open` made; `finalize` comes after this.
    let inner = unsafe { &*context.cast::<Rc<Inner>>() };
    // A panic must not cross into C. An error means that the environment is
    // being torn down under us (a worker that is terminated), and no code is left
    // to hear of it.
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| inner.settle_all()));
}

unsafe extern "C" fn finalize(_: sys::napi_env, context: *mut c_void, _: *mut c_void) {
    // SAFETY: the box that `open` made, once.
    let inner = unsafe { Box::from_raw(context.cast::<Rc<Inner>>()) };
    inner.close();
}
