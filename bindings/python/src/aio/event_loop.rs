//! One event loop of Python, and its tasks.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use untorn::tasks::TaskQueue;

use super::promise::{Awaits, Handle, Promise, Task};
use super::waker::Waker;
use crate::call::forks;

/// One wake-up settles no more than this, so that a burst does not keep the
/// loop from everything else.
const AT_ONCE: usize = 4096;

/// The tasks of one event loop.
pub struct Loop {
    /// The loop's address: while its tasks are open, nothing else has it.
    address: usize,
    /// The process that the loop runs in.
    process: u32,
    pub tasks: Arc<TaskQueue<Waker>>,
}

thread_local! {
    /// The loops that run on this thread. Mostly it is one.
    static LOOPS: RefCell<Vec<Arc<Loop>>> = const { RefCell::new(Vec::new()) };
}

impl Loop {
    /// The loop that runs on this thread, for the library and for Python.
    pub fn running(py: Python<'_>) -> PyResult<(Arc<Loop>, Bound<'_, PyAny>)> {
        static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let event_loop = RUNNING.import(py, "asyncio", "get_running_loop")?.call0()?;
        let address = event_loop.as_ptr() as usize;
        let known = LOOPS.with_borrow(|loops| {
            let mut loops = loops.iter();
            loops.find(|known| known.is_at(address)).map(Arc::clone)
        });
        match known {
            Some(known) => Ok((known, event_loop)),
            None => Ok((Loop::open(&event_loop)?, event_loop)),
        }
    }

    #[cold]
    fn open(event_loop: &Bound<'_, PyAny>) -> PyResult<Arc<Loop>> {
        let opened = Arc::new(Loop {
            address: event_loop.as_ptr() as usize,
            process: forks(),
            tasks: TaskQueue::new(),
        });
        let wake = Bound::new(event_loop.py(), Wake(Arc::clone(&opened)))?;
        let waker = Waker::new(event_loop, wake.as_any())?;
        opened.tasks.open(Arc::new(waker));
        let closed: Vec<_> = LOOPS.with_borrow_mut(|loops| {
            loops.push(Arc::clone(&opened));
            loops.extract_if(.., |known| !known.is_open()).collect()
        });
        // Not while the list is borrowed: it may run Python code.
        drop(closed);
        Ok(opened)
    }

    fn is_at(&self, address: usize) -> bool {
        self.address == address && self.is_open()
    }

    /// Whether the loop is of this process, and not closed.
    pub fn is_open(&self) -> bool {
        // In this order: a mutex from before a fork may stay locked.
        self.is_ours() && self.tasks.is_open()
    }

    fn is_ours(&self) -> bool {
        self.process == forks()
    }

    /// Begins a task. Gives what Python awaits, too.
    pub fn begin<'py>(
        self: &Arc<Self>,
        event_loop: &Bound<'py, PyAny>,
        operation: &'static str,
        path: &Arc<Path>,
        limit: Option<Duration>,
        awaits: Awaits,
    ) -> PyResult<(Arc<Task>, Bound<'py, PyAny>)> {
        let task = self.tasks.begin(operation, path, None);
        if limit.is_some() {
            task.limit();
        }
        let handle = Handle::new(&task, self.process);
        let made = Promise::new(event_loop, handle, limit, awaits);
        let (promise, pending) = made.inspect_err(|_| drop(self.tasks.end(task.id())))?;
        self.tasks.attach(task.id(), promise);
        Ok((task, pending))
    }

    /// Runs `job` when the event loop turns, together with others that are begun
    /// before: so appends are written together, too, where each by itself would
    /// wake a thread.
    pub fn gather(
        self: &Arc<Self>,
        event_loop: &Bound<'_, PyAny>,
        job: impl FnOnce() + Send + 'static,
    ) -> PyResult<()> {
        if self.tasks.gather(job) {
            let py = event_loop.py();
            let flush = Bound::new(py, Flush(Arc::clone(self)))?;
            event_loop.call_method1(intern!(py, "call_soon"), (flush,))?;
        }
        Ok(())
    }

    /// Settles what has ended since the last time.
    fn settle(&self, py: Python<'_>) {
        let outcomes = self.tasks.take(AT_ONCE);
        if let Some(waker) = self.tasks.event_loop() {
            waker.woken();
        }
        for (id, outcome) in outcomes {
            let Some(ended) = self.tasks.end(id) else {
                continue;
            };
            let Some(promise) = ended.promise else {
                continue;
            };
            if let Err(error) = promise.settle(py, ended.task.is_cancelled(), outcome) {
                error.write_unraisable(py, None);
            }
        }
    }
}

/// The callback of an event loop that is woken. Only the loop has it, so both end
/// together.
#[pyclass(frozen, module = "untorn._untorn")]
struct Wake(Arc<Loop>);

#[pymethods]
impl Wake {
    fn __call__(&self, py: Python<'_>) {
        self.0.settle(py);
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        if self.0.is_ours() {
            self.0.tasks.close();
        }
    }
}

#[pyclass(frozen, module = "untorn._untorn")]
struct Flush(Arc<Loop>);

#[pymethods]
impl Flush {
    fn __call__(&self, py: Python<'_>) {
        py.detach(|| self.0.tasks.flush());
    }
}
