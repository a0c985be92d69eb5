//! The awaitable of a call, and the ways to end it.

use std::sync::Arc;
use std::time::Duration;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use untorn::tasks::{EventLoop, Outcome};

use super::waker::Waker;
use crate::call::forks;
use crate::error::raise;
use crate::position::Position;

/// Makes the value that the call gives, on the event loop's thread.
pub type Finish = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>> + Send>;
pub type Task = untorn::tasks::Task<Waker>;

/// A future of Python, and its deadline.
pub struct Promise {
    /// `untorn.aio._pending.Pending`.
    pending: Py<PyAny>,
    /// Keeps the deadline.
    timer: Option<Py<PyAny>>,
}

impl EventLoop for Waker {
    type Value = Finish;
    type Failure = untorn::Error;
    type Promise = Promise;

    fn wake(&self) -> bool {
        Waker::wake(self)
    }

    fn failure(error: untorn::Error) -> untorn::Error {
        error
    }
}

impl Promise {
    /// Gives what Python awaits, too.
    pub fn new<'py>(
        event_loop: &Bound<'py, PyAny>,
        handle: Handle,
        limit: Option<Duration>,
    ) -> PyResult<(Promise, Bound<'py, PyAny>)> {
        static PENDING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = event_loop.py();
        let named = PyDict::new(py);
        named.set_item(intern!(py, "loop"), event_loop)?;
        let pending = PENDING
            .import(py, "untorn.aio._pending", "Pending")?
            .call((), Some(&named))?;
        let handle = Bound::new(py, handle)?;
        pending.setattr(intern!(py, "_call"), &handle)?;
        let timer = match limit {
            None | Some(Duration::ZERO) => None,
            Some(limit) => {
                let expire = handle.getattr(intern!(py, "expire"))?;
                let seconds = limit.as_secs_f64();
                let timer = event_loop.call_method1("call_later", (seconds, expire, seconds))?;
                Some(timer.unbind())
            }
        };
        let promise = Promise {
            pending: pending.clone().unbind(),
            timer,
        };
        Ok((promise, pending))
    }

    /// Hands over the outcome that Python waits for.
    pub fn settle(self, py: Python<'_>, cancelled: bool, outcome: Outcome<Waker>) -> PyResult<()> {
        if let Some(timer) = self.timer {
            timer.call_method0(py, intern!(py, "cancel"))?;
        }
        let pending = self.pending.bind(py);
        if cancelled {
            // The outcome came too late.
            py.detach(|| drop(outcome));
            pending.call_method0(intern!(py, "_end"))?;
            return Ok(());
        }
        let result = match outcome {
            Outcome::Appended(position) => {
                Bound::new(py, Position::from(position)).map(Bound::into_any)
            }
            Outcome::Done(finish) => finish(py),
            Outcome::Failed(error) => Err(raise(py, &error)),
        };
        let told = match result {
            Ok(value) => pending.call_method1(intern!(py, "set_result"), (value,)),
            Err(error) => {
                pending.call_method1(intern!(py, "set_exception"), (error.into_value(py),))
            }
        };
        match told {
            Ok(_) => Ok(()),
            // No task waited for it any more.
            Err(_) if pending.call_method0(intern!(py, "done"))?.is_truthy()? => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Ends the call of a `Pending`.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct Handle {
    task: Arc<Task>,
    /// The process that the call was begun in.
    process: u32,
}

impl Handle {
    pub fn new(task: &Arc<Task>, process: u32) -> Handle {
        Handle {
            task: Arc::clone(task),
            process,
        }
    }
}

#[pymethods]
impl Handle {
    /// `False`: there is no end to wait for, since the process was forked
    /// meanwhile.
    fn cancel(&self, py: Python<'_>) -> bool {
        let ours = self.process == forks();
        if ours {
            py.detach(|| self.task.cancel());
        }
        ours
    }

    /// Names the call in a warning.
    #[getter]
    fn name(&self) -> String {
        format!("{} {}", self.task.operation(), self.task.path().display())
    }

    fn expire(&self, py: Python<'_>, seconds: f64) {
        let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        py.detach(|| self.task.expire(limit));
    }
}
