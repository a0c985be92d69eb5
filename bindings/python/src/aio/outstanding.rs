//! Appends that were begun and have not ended. Those of a closed event loop, which
//! no task awaits any more, are among them.

use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::call::forks;

/// How long a program that ends waits for them, seconds.
const AT_EXIT: Duration = Duration::from_secs(5);
/// How often a signal is looked for meanwhile.
const TURN: Duration = Duration::from_millis(50);

/// Of this process. Those of a parent process end there, and its mutex may
/// stay locked here: a child makes its own, and leaks the old.
static STATE: AtomicPtr<State> = AtomicPtr::new(std::ptr::null_mut());

struct State {
    process: u32,
    appends: Mutex<Appends>,
    changed: Condvar,
}

#[derive(Default)]
struct Appends {
    running: usize,
    /// Errors that no task is left to hear of.
    failures: Vec<String>,
}

fn state() -> &'static State {
    let known = STATE.load(Ordering::Acquire);
    // SAFETY: null, or a `State` that is never freed.
    if let Some(known) = unsafe { known.as_ref() }
        && known.process == forks()
    {
        return known;
    }
    let own = Box::leak(Box::new(State {
        process: forks(),
        appends: Mutex::default(),
        changed: Condvar::new(),
    }));
    match STATE.compare_exchange(known, own, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => own,
        // Another thread was faster; this one's is leaked, once a process.
        Err(_) => state(),
    }
}

/// One append. It has ended when this is gone.
pub struct Outstanding(&'static State);

impl Outstanding {
    pub fn begin() -> Outstanding {
        let state = state();
        state.lock().running += 1;
        Outstanding(state)
    }

    /// Its event loop was closed before it failed.
    pub fn failed_unheard(&self, error: &untorn::Error) {
        self.0.lock().failures.push(error.to_string());
    }
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        if self.0.process == forks() {
            self.0.lock().running -= 1;
            self.0.changed.notify_all();
        }
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Appends> {
        self.appends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Called when the program ends: waits for the appends that are under way. Gives
/// how many are left then, and what the others failed with.
#[pyfunction]
pub fn finish_appends(py: Python<'_>) -> PyResult<(usize, Vec<String>)> {
    let deadline = Instant::now() + AT_EXIT;
    let state = state();
    loop {
        let left = py.detach(|| {
            let appends = state.lock();
            if appends.running == 0 {
                return 0;
            }
            let waited = state.changed.wait_timeout(appends, TURN);
            waited.unwrap_or_else(PoisonError::into_inner).0.running
        });
        if left == 0 || Instant::now() >= deadline {
            return Ok((left, std::mem::take(&mut state.lock().failures)));
        }
        py.check_signals()?;
    }
}
