//! The awaitable of a call, and the ways to end it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyWeakrefMethods, PyWeakrefReference};
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
    future: Future,
    /// Keeps the deadline.
    timer: Option<Py<PyAny>>,
    _kept: Kept,
}

/// `untorn.aio._pending.Pending` or `Started`.
enum Future {
    Strong(Py<PyAny>),
    /// One that the program drops without awaiting it must be dropped at that place, so
    /// that its warning names the place.
    Weak(Py<PyWeakrefReference>),
}

impl Future {
    fn get<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        match self {
            Future::Strong(future) => Some(future.bind(py).clone()),
            Future::Weak(future) => future.bind(py).upgrade(),
        }
    }
}

/// Has a handle keep its future until this is dropped.
struct Kept(Py<Handle>);

impl Drop for Kept {
    fn drop(&mut self) {
        let mut keeps = self.0.get().keeps();
        let future = std::mem::replace(&mut *keeps, Keeps::NoMore);
        drop(keeps);
        drop(future);
    }
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

/// Says which code awaits a future.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Awaits {
    /// The package, at once.
    Package,
    /// The program. It may pass the future to what takes only coroutines, or forget it.
    Program,
}

impl Awaits {
    /// The class of the future, in `untorn.aio._pending`.
    fn class(self, py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
        static PENDING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        static STARTED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        match self {
            Awaits::Package => PENDING.import(py, "untorn.aio._pending", "Pending"),
            Awaits::Program => STARTED.import(py, "untorn.aio._pending", "Started"),
        }
    }
}

impl Promise {
    /// Gives what Python awaits, too.
    pub fn new<'py>(
        event_loop: &Bound<'py, PyAny>,
        handle: Handle,
        limit: Option<Duration>,
        awaits: Awaits,
    ) -> PyResult<(Promise, Bound<'py, PyAny>)> {
        let py = event_loop.py();
        let named = PyDict::new(py);
        named.set_item(intern!(py, "loop"), event_loop)?;
        let pending = awaits.class(py)?.call((), Some(&named))?;
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
        let future = match awaits {
            Awaits::Package => Future::Strong(pending.clone().unbind()),
            Awaits::Program => Future::Weak(PyWeakrefReference::new(&pending)?.unbind()),
        };
        let promise = Promise {
            future,
            timer,
            _kept: Kept(handle.unbind()),
        };
        Ok((promise, pending))
    }

    /// Hands over the outcome that Python waits for.
    pub fn settle(self, py: Python<'_>, cancelled: bool, outcome: Outcome<Waker>) -> PyResult<()> {
        if let Some(timer) = self.timer {
            timer.call_method0(py, intern!(py, "cancel"))?;
        }
        let pending = self.future.get(py);
        if cancelled {
            // The outcome came too late.
            py.detach(|| drop(outcome));
            if let Some(pending) = pending {
                pending.call_method0(intern!(py, "_end"))?;
            }
            return Ok(());
        }
        let result = match outcome {
            Outcome::Appended(position) => {
                Bound::new(py, Position::from(position)).map(Bound::into_any)
            }
            Outcome::Done(finish) => finish(py),
            Outcome::Failed(error) => Err(raise(py, &error)),
        };
        let Some(pending) = pending else {
            return result.map_or_else(|error| unheard(py, error), |_| Ok(()));
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

/// Reports the error of a call that the program has forgotten, as asyncio does.
#[cold]
fn unheard(py: Python<'_>, error: PyErr) -> PyResult<()> {
    let event_loop = py.import("asyncio")?.call_method0("get_running_loop")?;
    let context = PyDict::new(py);
    context.set_item("message", "a call that was never awaited failed")?;
    context.set_item("exception", error.into_value(py))?;
    event_loop.call_method1("call_exception_handler", (context,))?;
    Ok(())
}

/// Ends the call of a `Pending`.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct Handle {
    task: Arc<Task>,
    /// The process that the call was begun in.
    process: u32,
    keeps: Mutex<Keeps>,
}

/// Whether the future is kept while a task awaits it. Nothing else keeps that task.
enum Keeps {
    NotYet,
    Future {
        _future: Py<PyAny>,
    },
    /// The call has ended.
    NoMore,
}

impl Handle {
    pub fn new(task: &Arc<Task>, process: u32) -> Handle {
        Handle {
            task: Arc::clone(task),
            process,
            keeps: Mutex::new(Keeps::NotYet),
        }
    }

    fn keeps(&self) -> MutexGuard<'_, Keeps> {
        self.keeps.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Keeps the future until the call ends.
    fn keep(&self, future: Py<PyAny>) {
        let mut keeps = self.keeps();
        if matches!(*keeps, Keeps::NotYet) {
            *keeps = Keeps::Future { _future: future };
        }
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
