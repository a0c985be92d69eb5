//! Several files as they were at one instant.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use untorn::Error;

use crate::argument::{Place, Text};
use crate::call::{Wait, plain, wait};
use crate::error::check;
use crate::options;
use crate::reader::Reader;
use crate::timeout::Timeout;
use crate::transaction::contents;

/// The base of `untorn.Snapshot`.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct RawSnapshot {
    dir: PathBuf,
    /// `None` once it is closed.
    open: Mutex<Option<Arc<untorn::Snapshot>>>,
}

impl RawSnapshot {
    pub fn new(snapshot: untorn::Snapshot) -> RawSnapshot {
        RawSnapshot {
            dir: snapshot.dir().to_owned(),
            open: Mutex::new(Some(Arc::new(snapshot))),
        }
    }

    pub fn core(&self, py: Python<'_>, operation: &'static str) -> PyResult<Arc<untorn::Snapshot>> {
        let open = self.open().clone();
        check(
            py,
            open.ok_or_else(|| {
                Error::invalid_argument(operation, &self.dir, "the snapshot is closed")
            }),
        )
    }

    fn open(&self) -> MutexGuard<'_, Option<Arc<untorn::Snapshot>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pyfunction]
pub fn take_snapshot(py: Python<'_>, dir: Place, timeout: Timeout) -> PyResult<RawSnapshot> {
    let dir = dir.0;
    wait(py, &dir, &Wait::new(timeout, None), |call| {
        untorn::snapshot_with(&dir, call)
    })
    .map(RawSnapshot::new)
}

#[pymethods]
impl RawSnapshot {
    #[getter]
    fn _dir(&self) -> PathBuf {
        self.dir.clone()
    }

    /// Closes the files. A second call does nothing.
    fn _close(&self, py: Python<'_>) {
        let open = self.open().take();
        py.detach(|| drop(open));
    }

    #[getter]
    fn _closed(&self) -> bool {
        self.open().is_none()
    }

    fn _names(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let snapshot = self.core(py, "snapshot")?;
        Ok(snapshot.names().map(str::to_owned).collect())
    }

    fn _load<'py>(
        &self,
        py: Python<'py>,
        name: Text,
    ) -> PyResult<Option<(Bound<'py, PyBytes>, String)>> {
        let snapshot = self.core(py, "load")?;
        plain(py, &self.dir, || snapshot.load(&name)).map(|found| contents(py, found))
    }

    fn _reader(&self, py: Python<'_>, name: Text, options: &Bound<'_, PyDict>) -> PyResult<Reader> {
        let snapshot = self.core(py, "read")?;
        let options = options::journal(&self.dir, options)?;
        let path = self.dir.join(&*name);
        plain(py, &path, || snapshot.records_as(&name, &options))
            .map(|records| Reader::new(path.clone(), records))
    }
}
