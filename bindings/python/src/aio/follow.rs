//! Following a journal, awaited.

use std::path::Path;
use std::sync::Arc;

use pyo3::prelude::*;

use super::{Lane, Later};
use crate::argument::Timeout;
use crate::follow::{News, RawFollow, list};

/// The verb of a `RawFollow` that may take a while.
#[pyclass(frozen)]
pub struct LaterFollow {
    path: Arc<Path>,
    news: Arc<News>,
}

#[pymethods]
impl LaterFollow {
    #[new]
    fn new(follow: &Bound<'_, RawFollow>) -> LaterFollow {
        let (path, news) = follow.get().parts();
        LaterFollow {
            path: path.into(),
            news,
        }
    }

    /// As `RawFollow._next`. What is found while the caller is cancelled is
    /// there for the next call.
    fn next<'py>(&self, py: Python<'py>, timeout: Timeout) -> PyResult<Bound<'py, PyAny>> {
        let (path, news) = (Arc::clone(&self.path), Arc::clone(&self.news));
        let taken = Arc::clone(&self.news);
        let limit = timeout.of_handle();
        let later = Later {
            lane: Lane::Free,
            ..Later::read("follow", &self.path)
        };
        later.run_with_token(
            py,
            // Not a wait for a lock: the library keeps the time.
            move |call, token| news.find(&path, &call.timeout(limit), token),
            move |py, ()| {
                let items = taken
                    .take()
                    .map_err(|error| crate::error::raise(py, &error))?;
                Ok(list(py, items)?.into_any())
            },
        )
    }
}
