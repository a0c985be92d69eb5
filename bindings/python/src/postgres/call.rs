//! Runs a call of the engine. Its driver is Python code, which runs on the same thread and
//! can raise there: Ctrl-C above all.

use std::cell::RefCell;
use std::path::Path;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use untorn::{CallOptions, CancelToken, Error};

use crate::call::{Wait, wait};
use crate::timeout::Timeout;

/// The call that runs on this thread.
struct Running {
    /// The exception of a statement that must reach the caller.
    raised: Option<PyErr>,
    cancel: CancelToken,
    /// How many statements were asked for since.
    since: u32,
}

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
    static CANCEL: RefCell<Option<CancelToken>> = const { RefCell::new(None) };
}

/// Runs a call of the engine, whose statements a driver in Python sends.
pub fn run<T: Send>(
    py: Python<'_>,
    name: &Path,
    mut patience: Wait,
    job: impl FnOnce(&CallOptions<'_>) -> Result<T, Error> + Send,
) -> PyResult<T> {
    let cancel = patience.cancel.take().unwrap_or_else(token);
    patience.cancel = Some(cancel.clone());
    let running = Running {
        raised: None,
        cancel,
        since: 0,
    };
    // A signal's handler may make a call of its own in the middle of this one.
    let outer = RUNNING.replace(Some(running));
    let result = wait(py, name, &patience, job);
    let ended = RUNNING.replace(outer);
    match ended.and_then(|running| running.raised) {
        Some(error) => Err(error),
        None => result,
    }
}

/// Returns the token that another thread cancels to end the call that begins now.
pub fn token() -> CancelToken {
    CANCEL.with_borrow(Clone::clone).unwrap_or_default()
}

/// Returns the token of the call that runs on this thread.
pub fn running_token() -> Option<CancelToken> {
    RUNNING.with_borrow(|running| running.as_ref().map(|running| running.cancel.clone()))
}

/// Runs a call that has no timeout of its own.
pub fn ask<T: Send>(
    py: Python<'_>,
    name: &Path,
    job: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    run(py, name, Wait::new(Timeout::Handles, None), |_| job())
}

/// Keeps what a statement raised for the end of the call, and ends the call's waits.
pub fn interrupted(error: PyErr) {
    RUNNING.with_borrow_mut(|running| {
        if let Some(running) = running {
            running.cancel.cancel();
            running.raised = Some(error);
        }
    });
}

/// Returns whether this thread's call may send another statement. After an interruption
/// it may send one: the same again, whose answer says what the first one did.
pub fn may_ask() -> bool {
    RUNNING.with_borrow_mut(|running| match running {
        Some(running) if running.raised.is_some() => {
            running.since += 1;
            running.since == 1
        }
        _ => true,
    })
}

/// Calls of one thread that another thread can end.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct PostgresCall(CancelToken);

#[pymethods]
impl PostgresCall {
    #[new]
    fn new() -> PostgresCall {
        PostgresCall(CancelToken::new())
    }

    /// Calls the function. The calls of the engine that it makes end after `cancel`.
    #[pyo3(signature = (function, *args))]
    fn run<'py>(
        &self,
        function: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let outer = CANCEL.replace(Some(self.0.clone()));
        let result = function.call1(args);
        CANCEL.set(outer);
        result
    }

    /// Ends the waits of those calls. The server is asked to end a statement that was sent,
    /// unless its answer comes soon.
    fn cancel(&self) {
        self.0.cancel();
    }
}
