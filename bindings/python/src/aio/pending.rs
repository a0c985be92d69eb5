//! One asynchronous call: what waits for it in Python, and how it is ended.

use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use untorn::{CancelToken, Error, ErrorKind, Holder, background};

use super::later::run_soon;
use super::line::{Line, Outcome};

/// Its work stands behind that of other calls, which have to go first.
const QUEUED: u8 = 0;
const STARTED: u8 = 1;
const OVER: u8 = 2;

/// One asynchronous call, as the library's threads see it.
pub struct Call {
    id: u32,
    pub line: Arc<Line>,
    pub operation: &'static str,
    pub path: Arc<Path>,
    token: CancelToken,
    stage: AtomicU8,
    cancelled: AtomicBool,
    /// Its time was up: what ends it is not the caller's change of mind.
    expired: OnceLock<Duration>,
}

/// The same, as the event loop's thread sees it.
pub struct Entry {
    pub call: Arc<Call>,
    /// `untorn.aio._pending.Pending`.
    pub pending: Py<PyAny>,
    pub timer: Option<Py<PyAny>>,
}

/// The calls of one event loop that have not ended. By their number.
#[derive(Default)]
pub struct Calls {
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
}

impl Calls {
    fn reserve(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        })
    }

    pub fn end(&mut self, id: u32) -> Option<Entry> {
        let entry = self.entries.get_mut(id as usize)?.take()?;
        self.free.push(id);
        Some(entry)
    }

    pub fn take(&mut self) -> Vec<Entry> {
        std::mem::take(self).entries.into_iter().flatten().collect()
    }
}

impl Call {
    /// Begins a call on an event loop. Gives what Python awaits, too.
    pub fn begin<'py>(
        py: Python<'py>,
        (line, event_loop): (Arc<Line>, &Bound<'py, PyAny>),
        operation: &'static str,
        path: &Arc<Path>,
        limit: Option<Duration>,
    ) -> PyResult<(Arc<Call>, Bound<'py, PyAny>)> {
        static PENDING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let named = PyDict::new(py);
        named.set_item(intern!(py, "loop"), event_loop)?;
        let pending = PENDING
            .import(py, "untorn.aio._pending", "Pending")?
            .call((), Some(&named))?;
        let id = line.calls().reserve();
        let call = Arc::new(Call {
            id,
            line,
            operation,
            path: Arc::clone(path),
            token: CancelToken::new(),
            stage: AtomicU8::new(QUEUED),
            cancelled: AtomicBool::new(false),
            expired: OnceLock::new(),
        });
        let handle = Bound::new(py, Handle(Arc::clone(&call)))?;
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
        call.line.calls().entries[id as usize] = Some(Entry {
            call: Arc::clone(&call),
            pending: pending.clone().unbind(),
            timer,
        });
        Ok((call, pending))
    }

    pub fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Its work begins, unless it was ended before.
    pub fn start(&self) -> bool {
        self.stage
            .compare_exchange(QUEUED, STARTED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Ends the wait. What stands in a queue leaves it at once.
    pub fn cancel(self: &Arc<Call>) {
        let queued = self
            .stage
            .compare_exchange(QUEUED, OVER, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        self.token.cancel();
        if queued {
            self.fail(Error::cancelled(self.operation, &self.path));
        }
    }

    /// Whether it is an append, which stands in the journal's own queue.
    pub fn is_append(&self) -> bool {
        self.operation == "append"
    }

    /// Whether its caller has changed their mind.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub fn end(self: &Arc<Call>, result: untorn::Result<Outcome>) {
        // The next call of the same task may try only once.
        background::over();
        match result {
            Ok(outcome) => self.line.tell(self.id, outcome),
            Err(error) => self.fail(error),
        }
    }

    fn fail(self: &Arc<Call>, error: Error) {
        if let Some(&limit) = self.expired.get()
            && error.kind() == ErrorKind::Cancelled
        {
            // Who holds the lock is read from files: not on the event loop,
            // which may be where we are.
            let call = Arc::clone(self);
            run_soon(None, move || {
                let error =
                    Error::lock_timeout(call.operation, &call.path, limit, holder_of(&call.path));
                call.line.tell(call.id, Outcome::Failed(error));
            });
            return;
        }
        self.line.tell(self.id, Outcome::Failed(error));
    }

    /// It was to try once, and other calls of this process are before it.
    pub fn fail_busy(self: &Arc<Call>) {
        let call = Arc::clone(self);
        run_soon(None, move || {
            let error = Error::busy(call.operation, &call.path, holder_of(&call.path));
            call.line.tell(call.id, Outcome::Failed(error));
        });
    }
}

/// What a `Pending` ends its call by.
#[pyclass(frozen)]
struct Handle(Arc<Call>);

#[pymethods]
impl Handle {
    /// `False`: there is no end to wait for, since the process was forked
    /// meanwhile.
    fn cancel(&self, py: Python<'_>) -> bool {
        let call = &self.0;
        if !call.line.is_ours() {
            return false;
        }
        call.cancelled.store(true, Ordering::Release);
        py.detach(|| call.cancel());
        true
    }

    /// What a warning says of it.
    #[getter]
    fn name(&self) -> String {
        format!("{} {}", self.0.operation, self.0.path.display())
    }

    fn expire(&self, py: Python<'_>, seconds: f64) {
        let call = &self.0;
        let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        let _ = call.expired.set(limit);
        py.detach(|| call.cancel());
    }
}

/// Who has the lock of this file, as far as it can be known. Reads files.
fn holder_of(path: &Path) -> Option<Holder> {
    untorn::holder(path).ok().flatten()
}
