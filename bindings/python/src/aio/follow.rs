//! Following a journal, awaited.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use untorn::Error;
use untorn::tasks::{Source, Wake, WatchOrder, while_waiting};

use super::event_loop::Loop;
use super::promise::{Awaits, Finish, Task};
use crate::follow::{News, RawFollow, list};
use crate::timeout::Timeout;

/// The verb of a `RawFollow` that may take a while.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct LaterFollow {
    path: Arc<Path>,
    news: Arc<News>,
    order: WatchOrder,
    /// The last call of `next`.
    last: Mutex<Option<Arc<Task>>>,
}

#[pymethods]
impl LaterFollow {
    #[new]
    fn new(follow: &Bound<'_, RawFollow>) -> LaterFollow {
        let (path, news) = follow.get().parts();
        LaterFollow {
            path: path.into(),
            news,
            order: WatchOrder::new(),
            last: Mutex::new(None),
        }
    }

    /// As `RawFollow._next`. What is found while the caller is cancelled is
    /// there for the next call.
    fn next<'py>(&self, py: Python<'py>, timeout: Timeout) -> PyResult<Bound<'py, PyAny>> {
        let (tasks, event_loop) = Loop::running(py)?;
        let (task, pending) =
            tasks.begin(&event_loop, "follow", &self.path, None, Awaits::Package)?;
        let before = self.last().replace(Arc::clone(&task));
        if let Some(before) = before
            && !before.is_over()
        {
            *self.last() = Some(before);
            let why = "another call is at it just now";
            let refused = Error::invalid_argument("follow", &self.path, why);
            py.detach(|| task.complete(Err(refused)));
            return Ok(pending);
        }
        let waiting = Waiting {
            path: Arc::clone(&self.path),
            news: Arc::clone(&self.news),
        };
        let news = Arc::clone(&self.news);
        let finish = move |_| -> Finish { Box::new(move |py| taken(py, &news)) };
        // Not a wait for a lock: the library keeps the time.
        py.detach(|| task.watch(waiting, self.order, timeout.of_handle(), finish));
        Ok(pending)
    }
}

impl LaterFollow {
    fn last(&self) -> MutexGuard<'_, Option<Arc<Task>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn taken<'py>(py: Python<'py>, news: &News) -> PyResult<Bound<'py, PyAny>> {
    let items = news
        .take()
        .map_err(|error| crate::error::raise(py, &error))?;
    Ok(list(py, items)?.into_any())
}

/// A follower that waits for something.
struct Waiting {
    path: Arc<Path>,
    news: Arc<News>,
}

impl Source for Waiting {
    type Found = ();

    fn look(&self) -> untorn::Result<Option<()>> {
        match self.news.is_remote {
            // The thread does not count among those that work meanwhile.
            true => while_waiting(|| self.news.look_once(&self.path)),
            false => self.news.look_once(&self.path),
        }
    }

    fn wake_once(&self, wake: Wake) -> Option<Duration> {
        self.news.wake_once(&self.path, wake)
    }
}
