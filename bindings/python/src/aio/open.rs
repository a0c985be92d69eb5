//! Opening without the event loop: to resolve a path and to make directories is
//! work for the file system, which may be a slow one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use untorn::tasks::Order;

use super::Request;
use crate::argument::Place;
use crate::options;
use crate::store::{File, Opened};

type Awaitable<'py> = PyResult<Bound<'py, PyAny>>;

/// Gives an `Opened`.
#[pyfunction]
pub fn open_journal_later<'py>(
    py: Python<'py>,
    path: Place,
    options: &Bound<'_, PyDict>,
) -> Awaitable<'py> {
    let path = path.0;
    let options = options::journal(&path, options)?;
    open(py, path, |path| options.open(path).map(File::Journal))
}

/// Gives an `Opened`.
#[pyfunction]
pub fn open_document_later<'py>(
    py: Python<'py>,
    path: Place,
    options: &Bound<'_, PyDict>,
) -> Awaitable<'py> {
    let path = path.0;
    let options = options::document(&path, options)?;
    open(py, path, |path| options.open(path).map(File::Document))
}

/// Gives an `Opened`.
#[pyfunction]
pub fn open_store_later<'py>(
    py: Python<'py>,
    path: Place,
    options: &Bound<'_, PyDict>,
) -> Awaitable<'py> {
    let path = path.0;
    let options = options::store(&path, options)?;
    open(py, path, |path| options.open(path).map(File::Store))
}

fn open(
    py: Python<'_>,
    path: PathBuf,
    open: impl FnOnce(&Path) -> untorn::Result<File> + Send + 'static,
) -> Awaitable<'_> {
    let path: Arc<Path> = path.into();
    let given = Arc::clone(&path);
    let request = Request {
        // Behind no other call: one slow file system must not hold up another.
        order: Order::Unordered,
        ..Request::read("open", &path)
    };
    request.run(
        py,
        move |_| open(&given),
        |py, file| Ok(Bound::new(py, Opened::new(file))?.into_any()),
    )
}
