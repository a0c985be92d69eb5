//! Calls the core without the interpreter's lock, and so that Ctrl-C ends its
//! wait.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use untorn::{CallOptions, CancelToken, Error, LockGuard};

use crate::error::{of_panic, raise};
use crate::timeout::Timeout;

/// How a call waits, and under which lock it works.
pub struct Wait {
    pub timeout: Timeout,
    pub lock: Option<Arc<LockGuard>>,
    pub cancel: Option<CancelToken>,
    /// A function of Python's that receives how many bytes are done, and of how many.
    pub progress: Option<Py<PyAny>>,
}

impl Wait {
    /// Reports to a function of Python's how far the work is.
    pub fn progress(mut self, progress: Option<Py<PyAny>>) -> Wait {
        self.progress = progress;
        self
    }

    pub const fn new(timeout: Timeout, lock: Option<Arc<LockGuard>>) -> Wait {
        Wait {
            timeout,
            lock,
            cancel: None,
            progress: None,
        }
    }
}

/// Runs a call that may wait for a lock.
pub fn wait<T: Send>(
    py: Python<'_>,
    path: &Path,
    wait: &Wait,
    job: impl FnOnce(&CallOptions<'_>) -> Result<T, Error> + Send,
) -> PyResult<T> {
    let mut call = CallOptions::new();
    if let Timeout::Is(limit) = wait.timeout {
        call = call.timeout(limit);
    }
    if let Some(guard) = &wait.lock {
        call = call.lock(guard);
    }
    if let Some(token) = &wait.cancel {
        call = call.cancel(token);
    }
    let raised = Mutex::new(None);
    let keep = |error| *raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    let ended = wait
        .progress
        .as_ref()
        .map(|_| wait.cancel.clone().unwrap_or_default());
    let progress = |progress: untorn::Progress| {
        let Some(function) = &wait.progress else {
            return;
        };
        Python::attach(|py| {
            if let Err(error) = function.call1(py, (progress.done, progress.total)) {
                keep(error);
                if let Some(ended) = &ended {
                    ended.cancel();
                }
            }
        });
    };
    if let Some(ended) = &ended {
        call = call.progress(&progress).cancel(ended);
    }
    let interrupt = || {
        Python::attach(|py| match py.check_signals() {
            Ok(()) => false,
            Err(error) => {
                keep(error);
                true
            }
        })
    };
    // Python runs signal handlers on the main thread only. Every other thread may
    // block in the kernel, which passes the lock on sooner.
    if is_main_thread(py)? {
        call = call.interrupt(&interrupt);
    }
    let result = plain(py, path, || job(&call));
    // Also if the call succeeded at the last moment: the handler has run, and its
    // exception must not get lost.
    match raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => result,
    }
}

/// Runs a call that does not wait, but may read or write a file.
#[inline]
pub fn plain<T: Send>(
    py: Python<'_>,
    path: &Path,
    job: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    let result = py.detach(|| catch_unwind(AssertUnwindSafe(job)));
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(raise(py, &error)),
        Err(panic) => Err(raise(py, &of_panic(&*panic, path))),
    }
}

/// Counts the forks that led to this process.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Called in a forked child, whose main thread is the one that forked.
#[pyfunction]
pub fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    crate::postgres::forked();
}

/// How many forks lie between this process and the first one.
pub fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Whether this is Python's main thread. Every call needs it, so it is
/// remembered.
#[inline]
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    thread_local!(static KNOWN: Cell<Option<(u32, bool)>> = const { Cell::new(None) });
    let forks = forks();
    match KNOWN.get() {
        Some((then, is_main)) if then == forks => Ok(is_main),
        _ => {
            // This runs Python code, and so may run a signal's handler. The
            // caller receives its exception.
            let is_main = ask(py)?;
            KNOWN.set(Some((forks, is_main)));
            Ok(is_main)
        }
    }
}

#[cold]
fn ask(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let own: u64 = threading.call_method0("get_ident")?.extract()?;
    let main: u64 = threading
        .call_method0("main_thread")?
        .getattr("ident")?
        .extract()?;
    Ok(own == main)
}
