//! From the library's threads back to the event loop.
//!
//! Results gather in a list, and one wake-up of the loop takes all that have
//! gathered by then: waking it costs microseconds, and ten thousand appends
//! may end within a few milliseconds.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::outstanding::Outstanding;
use super::pending::{Call, Calls, Entry};
use super::waker::Waker;
use crate::call::forks;
use crate::error::raise;
use crate::position::Position;

/// Makes the value that the call gives, on the event loop's thread.
pub type Finish = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>> + Send>;

/// How a call ended.
pub enum Outcome {
    /// The commonest.
    Appended(untorn::Position),
    Done(Finish),
    Failed(untorn::Error),
}

/// One wake-up settles no more than this, so that a burst does not keep the
/// loop from everything else.
const AT_ONCE: usize = 4096;

/// One event loop, as the library's threads see it.
pub struct Line {
    /// The loop's address: while this line is open, nothing else has it.
    event_loop: usize,
    /// The process that the loop runs in.
    process: u32,
    /// Never locked while the interpreter's lock is waited for.
    state: Mutex<State>,
    calls: Mutex<Calls>,
    appends: Mutex<Vec<Append>>,
}

/// An append that is to be queued.
pub struct Append {
    pub journal: Arc<untorn::Journal>,
    pub batch: untorn::Batch,
    pub at: Option<untorn::Position>,
    pub once: bool,
    pub call: Arc<Call>,
}

#[derive(Default)]
struct State {
    waker: Option<Arc<Waker>>,
    outcomes: VecDeque<(u32, Outcome)>,
    woken: bool,
}

thread_local! {
    /// The lines of the loops that run on this thread. Mostly it is one.
    static LINES: RefCell<Vec<Arc<Line>>> = const { RefCell::new(Vec::new()) };
}

impl Line {
    /// The line of the loop that runs on this thread, and the loop.
    pub fn running(py: Python<'_>) -> PyResult<(Arc<Line>, Bound<'_, PyAny>)> {
        static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let event_loop = RUNNING.import(py, "asyncio", "get_running_loop")?.call0()?;
        let address = event_loop.as_ptr() as usize;
        let known = LINES.with_borrow(|lines| {
            let mut lines = lines.iter();
            lines.find(|line| line.is_of(address)).map(Arc::clone)
        });
        match known {
            Some(line) => Ok((line, event_loop)),
            None => Ok((Line::open(&event_loop)?, event_loop)),
        }
    }

    #[cold]
    fn open(event_loop: &Bound<'_, PyAny>) -> PyResult<Arc<Line>> {
        // Calls are queued, not refused, where the system gives no more threads.
        untorn::background::keep_one();
        let line = Arc::new(Line {
            event_loop: event_loop.as_ptr() as usize,
            process: forks(),
            state: Mutex::default(),
            calls: Mutex::default(),
            appends: Mutex::default(),
        });
        let wake = Bound::new(event_loop.py(), Wake(Arc::clone(&line)))?;
        let waker = Waker::new(event_loop, wake.as_any())?;
        line.state().waker = Some(Arc::new(waker));
        let closed: Vec<_> = LINES.with_borrow_mut(|lines| {
            lines.push(Arc::clone(&line));
            lines.extract_if(.., |line| !line.is_open()).collect()
        });
        // Not while the list is borrowed: it may run Python code.
        drop(closed);
        Ok(line)
    }

    fn is_of(&self, event_loop: usize) -> bool {
        self.event_loop == event_loop && self.is_open()
    }

    /// Whether the loop is of this process, and not closed.
    fn is_open(&self) -> bool {
        // In this order: a mutex from before a fork may be locked for ever.
        self.is_ours() && self.state().waker.is_some()
    }

    pub fn is_ours(&self) -> bool {
        self.process == forks()
    }

    /// Tells the event loop how a call ended. From any thread.
    pub fn tell(&self, id: u32, outcome: Outcome) {
        let mut state = self.state();
        let Some(waker) = state.waker.as_ref().map(Arc::clone) else {
            // Dropping it may let a lock go: not under the mutex.
            drop(state);
            drop(outcome);
            return;
        };
        state.outcomes.push_back((id, outcome));
        let wakes = !std::mem::replace(&mut state.woken, true);
        drop(state);
        if wakes && !waker.wake() {
            self.close();
        }
    }

    /// Queues an append, together with others that are begun before the event
    /// loop turns: so they are written together, too, where each by itself
    /// would wake a thread.
    pub fn append(self: &Arc<Line>, event_loop: &Bound<'_, PyAny>, append: Append) -> PyResult<()> {
        let is_first = {
            let mut appends = self.appends();
            appends.push(append);
            appends.len() == 1
        };
        if is_first {
            let py = event_loop.py();
            let flush = Bound::new(py, Flush(Arc::clone(self)))?;
            event_loop.call_method1(intern!(py, "call_soon"), (flush,))?;
        }
        Ok(())
    }

    fn flush(&self) {
        let appends = std::mem::take(&mut *self.appends());
        for append in appends {
            let Append {
                journal,
                batch,
                at,
                once,
                call,
            } = append;
            if !call.start() {
                continue;
            }
            let token = call.token().clone();
            let limit = once.then_some(Duration::ZERO);
            let outstanding = Outstanding::begin();
            journal.append_queued(batch, at, Some(limit), Some(token), move |result| {
                if let Err(error) = &result
                    && !call.line.is_open()
                {
                    outstanding.failed_unheard(error);
                }
                call.end(result.map(Outcome::Appended));
                drop(outstanding);
            });
        }
    }

    /// Settles what has ended since the last time.
    fn settle(&self, py: Python<'_>) {
        let (waker, outcomes) = {
            let mut state = self.state();
            let many = state.outcomes.len().min(AT_ONCE);
            let outcomes: Vec<_> = state.outcomes.drain(..many).collect();
            let rest = !state.outcomes.is_empty();
            state.woken = rest;
            (state.waker.as_ref().map(Arc::clone), (outcomes, rest))
        };
        let (outcomes, rest) = outcomes;
        if let Some(waker) = waker {
            waker.woken();
            if rest {
                waker.wake();
            }
        }
        for (id, outcome) in outcomes {
            let Some(entry) = self.calls().end(id) else {
                continue;
            };
            if let Err(error) = entry.settle(py, outcome) {
                error.write_unraisable(py, None);
            }
        }
    }

    /// The loop is closed: what nobody will hear of any more is dropped, and
    /// with it the locks that it holds. A call that still waits for one gives up,
    /// but for appends: those that were begun are made, awaited or not.
    fn close(&self) {
        let unheard = {
            let mut state = self.state();
            (state.waker.take(), std::mem::take(&mut state.outcomes))
        };
        drop(unheard);
        self.flush();
        let entries = self.calls().take();
        for entry in entries.iter().filter(|entry| !entry.call.is_append()) {
            entry.call.cancel();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn appends(&self) -> MutexGuard<'_, Vec<Append>> {
        self.appends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the event loop calls when it is woken. Only the loop has it: when it is
/// gone, so is the loop.
#[pyclass(frozen)]
struct Wake(Arc<Line>);

#[pymethods]
impl Wake {
    fn __call__(&self, py: Python<'_>) {
        self.0.settle(py);
    }
}

#[pyclass(frozen)]
struct Flush(Arc<Line>);

#[pymethods]
impl Flush {
    fn __call__(&self, py: Python<'_>) {
        py.detach(|| self.0.flush());
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        if self.0.is_ours() {
            self.0.close();
        }
    }
}

impl Entry {
    fn settle(self, py: Python<'_>, outcome: Outcome) -> PyResult<()> {
        let Entry {
            call,
            pending,
            timer,
        } = self;
        if let Some(timer) = timer {
            timer.call_method0(py, intern!(py, "cancel"))?;
        }
        let pending = pending.bind(py);
        if call.is_cancelled() {
            // What it got, it gets too late.
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
            // Nobody waited for it any more.
            Err(_) if pending.call_method0(intern!(py, "done"))?.is_truthy()? => Ok(()),
            Err(error) => Err(error),
        }
    }
}
