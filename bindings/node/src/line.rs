//! From the library's threads back to the event loop.
//!
//! Results gather in a list, and one wake-up of the loop takes all that have
//! gathered by then: waking it costs microseconds, and ten thousand appends
//! may end within a few milliseconds.

use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use napi::sys;
use untorn::Position;

use crate::port::Inner;

/// Makes the JavaScript value, on the event loop's thread.
pub type Finish = Box<dyn FnOnce(&Rc<Inner>) -> napi::Result<sys::napi_value> + Send>;

/// How a call ended.
pub enum Outcome {
    /// The commonest, and told in bulk.
    Appended(Position),
    Done(Finish),
    /// As `failure.rs` writes it.
    Failed(String),
}

/// One event loop, as the library's threads see it.
pub struct Line(Mutex<State>);

struct State {
    waker: Option<Waker>,
    outcomes: Vec<(u32, Outcome)>,
    woken: bool,
}

struct Waker(sys::napi_threadsafe_function);

// SAFETY: Node-API lets every thread call a thread-safe function; that it still
// exists is what the mutex around it guarantees.
unsafe impl Send for Waker {}

impl Line {
    pub fn new() -> Line {
        Line(Mutex::new(State {
            waker: None,
            outcomes: Vec::new(),
            woken: false,
        }))
    }

    pub fn open(&self, waker: sys::napi_threadsafe_function) {
        self.state().waker = Some(Waker(waker));
    }

    /// The event loop ends: what nobody will hear of any more is dropped, and
    /// with it the locks that it holds.
    pub fn close(&self) {
        let mut state = self.state();
        state.waker = None;
        let unheard = std::mem::take(&mut state.outcomes);
        drop(state);
        drop(unheard);
    }

    /// Tells the event loop how a call ended. From any thread.
    pub fn tell(&self, id: u32, outcome: Outcome) {
        let mut state = self.state();
        let Some(Waker(waker)) = state.waker else {
            // Dropping it may let a lock go: not under the mutex.
            drop(state);
            drop(outcome);
            return;
        };
        state.outcomes.push((id, outcome));
        if state.woken {
            return;
        }
        state.woken = true;
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
            state.waker = None;
            let unheard = std::mem::take(&mut state.outcomes);
            drop(state);
            drop(unheard);
        }
    }

    /// All that has ended since the last time. On the event loop.
    pub fn take(&self) -> Vec<(u32, Outcome)> {
        let mut state = self.state();
        state.woken = false;
        std::mem::take(&mut state.outcomes)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
