//! Having a call carried out on a thread of the library's own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pyo3::prelude::*;
use untorn::{Caller, CancelToken, Error, LockGuard, background};

use super::line::{Line, Outcome};
use super::pending::Call;
use crate::error::of_panic;

/// Behind which other work a call stands.
pub enum Lane {
    /// Behind calls on the same file, in their order.
    Of(PathBuf),
    /// Behind some of the other calls that never wait for a lock: a program
    /// that reads ten thousand files at once shall not get as many threads.
    Read,
    /// Behind nobody.
    Free,
}

const READERS: u32 = 4;

impl Lane {
    /// Changes of one file; under a lock that is held, apart from calls that
    /// wait for that very lock.
    pub fn of(path: &Path, lock: Option<&LockGuard>) -> Lane {
        match lock {
            Some(guard) => Lane::under(guard),
            None => Lane::Of(path.to_owned()),
        }
    }

    pub fn under(guard: &LockGuard) -> Lane {
        Lane::Of(guard.lock_path().join("held"))
    }

    fn order(self) -> Option<PathBuf> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        match self {
            Lane::Of(path) => Some(path),
            // Relative, so that it is nobody's path.
            Lane::Read => {
                let reader = NEXT.fetch_add(1, Ordering::Relaxed) % READERS;
                Some(PathBuf::from(format!("read/{reader}")))
            }
            Lane::Free => None,
        }
    }
}

/// What is to be done, for whom.
pub struct Later<'a> {
    pub lane: Lane,
    pub operation: &'static str,
    pub path: &'a Arc<Path>,
    /// How long it may wait for its lock; the event loop keeps the time.
    pub limit: Option<Duration>,
    pub lock: Option<Arc<LockGuard>>,
    /// Done even if its caller is cancelled: what lets a lock go.
    pub always: bool,
}

impl<'a> Later<'a> {
    /// What takes no lock.
    pub fn read(operation: &'static str, path: &'a Arc<Path>) -> Later<'a> {
        Later {
            lane: Lane::Read,
            operation,
            path,
            limit: None,
            lock: None,
            always: false,
        }
    }

    /// What is done even if its caller is cancelled: it lets a lock go.
    pub fn always(operation: &'static str, path: &'a Arc<Path>, lane: Lane) -> Later<'a> {
        Later {
            lane,
            always: true,
            ..Later::read(operation, path)
        }
    }

    /// Has `work` done; `finish` makes the Python value of what it gives.
    pub fn run<'py, T: Send + 'static>(
        self,
        py: Python<'py>,
        work: impl FnOnce(&untorn::Call<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl for<'p> FnOnce(Python<'p>, T) -> PyResult<Bound<'p, PyAny>> + Send + 'static,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.run_with_token(py, |call, _| work(call), finish)
    }

    /// The same for work that others can end, too: by the token that the call
    /// has.
    pub fn run_with_token<'py, T: Send + 'static>(
        self,
        py: Python<'py>,
        work: impl FnOnce(&untorn::Call<'_>, &CancelToken) -> untorn::Result<T> + Send + 'static,
        finish: impl for<'p> FnOnce(Python<'p>, T) -> PyResult<Bound<'p, PyAny>> + Send + 'static,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (line, event_loop) = Line::running(py)?;
        let (call, pending) = Call::begin(
            py,
            (line, &event_loop),
            self.operation,
            self.path,
            self.limit,
        )?;
        if self.always {
            call.start();
        }
        let must_start = !self.always;
        let caller = Caller::current();
        let lock = self.lock;
        // Only one try is no wait; all else the event loop ends, by the token.
        let limit = (self.limit == Some(Duration::ZERO)).then_some(Duration::ZERO);
        let waits = !matches!(self.lane, Lane::Read);
        let once = limit.is_some() && must_start && matches!(self.lane, Lane::Of(_));
        let order = self.lane.order();
        let own = Arc::clone(&call);
        let submitted = py.detach(|| {
            let job = move || {
                if must_start && !own.start() {
                    return;
                }
                let mut how = untorn::Call::new()
                    .caller(caller)
                    .cancel(own.token())
                    .timeout(limit);
                if let Some(guard) = &lock {
                    how = how.lock(guard);
                }
                // To wait for ever would be worse than the panic.
                let result = catch_unwind(AssertUnwindSafe(|| work(&how, own.token())))
                    .unwrap_or_else(|panic| Err(of_panic(&*panic, &own.path)));
                own.end(result.map(|value| Outcome::Done(Box::new(|py| finish(py, value)))));
            };
            match order.as_deref() {
                Some(order) if once => background::submit_if_first(order, job),
                order if waits => background::submit(order, job).map(|()| true),
                order => {
                    run_soon(order, job);
                    Ok(true)
                }
            }
        });
        match submitted {
            Ok(true) => {}
            Ok(false) => call.fail_busy(),
            Err(error) => call.end(Err(Error::no_thread(self.operation, self.path, error))),
        }
        Ok(pending)
    }
}

/// What waits for nobody. Where the system has no thread for it, it is done here:
/// others may wait for it, so it can't queue.
pub fn run_soon(order: Option<&Path>, job: impl FnOnce() + Send + 'static) {
    if let Err(job) = background::submit_at_once(order, job) {
        job();
    }
}
