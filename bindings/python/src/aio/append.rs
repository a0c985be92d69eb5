//! An append on its way.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use untorn::Batch;
use untorn::tasks::Outcome;

use super::event_loop::Loop;
use super::outstanding::Outstanding;
use super::promise::{Awaits, Task};

/// The records of an append, which is made once.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct Encoded(Mutex<Option<Batch>>);

impl Encoded {
    pub fn new(batch: Batch) -> Encoded {
        Encoded(Mutex::new(Some(batch)))
    }

    pub fn take(&self, path: &Path) -> untorn::Result<Batch> {
        let batch = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        batch.ok_or_else(|| untorn::Error::internal("append", path, "an append is made twice"))
    }
}

/// Begins an append. The journal has a queue of its own, which keeps the order of the
/// calls and commits what has gathered with one write.
pub fn begun<'py>(
    py: Python<'py>,
    journal: &Arc<untorn::Journal>,
    path: &Arc<Path>,
    batch: Batch,
    at: Option<untorn::Position>,
    limit: Option<Duration>,
) -> PyResult<Bound<'py, PyAny>> {
    let (tasks, event_loop) = Loop::running(py)?;
    let (task, pending) = tasks.begin(&event_loop, "append", path, limit, Awaits::Program)?;
    // It was begun: it is made, awaited or not.
    task.outlive_loop();
    let append = Append {
        journal: Arc::clone(journal),
        batch,
        at,
        try_once: limit == Some(Duration::ZERO),
        task,
    };
    let home = Arc::clone(&tasks);
    tasks.gather(&event_loop, move || append.queue(home))?;
    Ok(pending)
}

/// An append that will be queued when the event loop turns.
struct Append {
    journal: Arc<untorn::Journal>,
    batch: Batch,
    at: Option<untorn::Position>,
    try_once: bool,
    task: Arc<Task>,
}

impl Append {
    fn queue(self, event_loop: Arc<Loop>) {
        let task = self.task;
        if !task.start() {
            return;
        }
        let token = task.token().clone();
        let limit = self.try_once.then_some(Duration::ZERO);
        let outstanding = Outstanding::begin();
        let ended = move |result: untorn::Result<_>| {
            if let Err(error) = &result
                && !event_loop.is_open()
            {
                outstanding.failed_unheard(error);
            }
            task.complete(result.map(Outcome::Appended));
            drop(outstanding);
        };
        self.journal
            .append_queued(self.batch, self.at, Some(limit), Some(token), ended);
    }
}
