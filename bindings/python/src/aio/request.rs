//! Having a call carried out on a thread of the library's own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use untorn::LockGuard;
use untorn::tasks::{Order, Placement};

use super::event_loop::Loop;
use super::promise::{Awaits, Finish};

/// A call: its work, and its place in the order.
pub struct Request<'a> {
    pub order: Order,
    pub operation: &'static str,
    pub path: &'a Arc<Path>,
    /// How long it may wait for its lock; the event loop keeps the time.
    pub limit: Option<Duration>,
    pub lock: Option<Arc<LockGuard>>,
    /// Done even if its caller is cancelled: the release of a lock.
    pub always: bool,
    /// Whether the program may keep the lock that the call takes.
    pub keeps_lock: bool,
    pub awaits: Awaits,
    /// A function of Python's that the event loop calls with the number of bytes that
    /// are done, and of all bytes.
    pub progress: Option<Py<PyAny>>,
}

impl<'a> Request<'a> {
    /// A call that takes no lock.
    pub fn read(operation: &'static str, path: &'a Arc<Path>) -> Request<'a> {
        Request {
            order: Order::Read,
            operation,
            path,
            limit: None,
            lock: None,
            always: false,
            keeps_lock: false,
            awaits: Awaits::Package,
            progress: None,
        }
    }

    /// The program keeps the lock that this call takes. Otherwise the call releases it
    /// by itself, and a blocking call may wait for that.
    pub fn keeping_lock(self) -> Request<'a> {
        Request {
            keeps_lock: true,
            ..self
        }
    }

    /// What is done even if its caller is cancelled: it releases a lock.
    pub fn always(operation: &'static str, path: &'a Arc<Path>, order: Order) -> Request<'a> {
        Request {
            order,
            always: true,
            ..Request::read(operation, path)
        }
    }

    /// Has `work` done; `finish` makes the Python value of what it gives.
    pub fn run<'py, T: Send + 'static>(
        self,
        py: Python<'py>,
        work: impl FnOnce(&untorn::CallOptions<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl for<'p> FnOnce(Python<'p>, T) -> PyResult<Bound<'p, PyAny>> + Send + 'static,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (tasks, event_loop) = Loop::running(py)?;
        let (task, pending) = tasks.begin(
            &event_loop,
            self.operation,
            self.path,
            self.limit,
            self.awaits,
        )?;
        let placement = Placement {
            try_once: self.limit == Some(Duration::ZERO),
            lock: self.lock,
            always: self.always,
            keeps_lock: self.keeps_lock,
            ..Placement::new(self.order)
        };
        let finish = move |value| -> Finish { Box::new(move |py| finish(py, value)) };
        let call_soon = match &self.progress {
            Some(_) => Some(event_loop.getattr("call_soon_threadsafe")?.unbind()),
            None => None,
        };
        let function = self.progress;
        let work = move |call: &untorn::CallOptions<'_>| {
            let (Some(function), Some(call_soon)) = (&function, &call_soon) else {
                return work(call);
            };
            let report = |progress: untorn::Progress| {
                Python::try_attach(|py| {
                    // A loop that is closed has no use for it.
                    let _ = call_soon.call1(py, (function, progress.done, progress.total));
                });
            };
            work(&(*call).progress(&report))
        };
        // Where the system has no thread for it, it is done here.
        py.detach(|| task.run(placement, work, finish));
        Ok(pending)
    }
}
