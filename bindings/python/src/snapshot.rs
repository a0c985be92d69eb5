//! Several files as they were at one instant.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::argument::Timeout;
use crate::call::{Wait, plain, wait};
use crate::options;
use crate::reader::Reader;
use crate::transaction::contents;

/// What `untorn.Snapshot` is made of.
#[pyclass(frozen)]
pub struct RawSnapshot(Arc<untorn::Snapshot>);

impl RawSnapshot {
    pub fn new(snapshot: untorn::Snapshot) -> RawSnapshot {
        RawSnapshot(Arc::new(snapshot))
    }

    pub fn core(&self) -> &Arc<untorn::Snapshot> {
        &self.0
    }
}

#[pyfunction]
pub fn take_snapshot(py: Python<'_>, dir: PathBuf, timeout: Timeout) -> PyResult<RawSnapshot> {
    wait(py, &dir, &Wait::new(timeout, None), |call| {
        untorn::snapshot_with(&dir, call)
    })
    .map(RawSnapshot::new)
}

#[pymethods]
impl RawSnapshot {
    #[getter]
    fn _dir(&self) -> PathBuf {
        self.0.dir().to_owned()
    }

    fn _names(&self) -> Vec<String> {
        self.0.names().map(str::to_owned).collect()
    }

    fn _load<'py>(
        &self,
        py: Python<'py>,
        name: &str,
    ) -> PyResult<Option<(Bound<'py, PyBytes>, String)>> {
        plain(py, self.0.dir(), || self.0.load(name)).map(|found| contents(py, found))
    }

    fn _reader(&self, py: Python<'_>, name: &str, options: &Bound<'_, PyDict>) -> PyResult<Reader> {
        let options = options::journal(self.0.dir(), options)?;
        let path = self.0.dir().join(name);
        plain(py, &path, || self.0.records_as(name, &options))
            .map(|records| Reader::new(path.clone(), records))
    }
}
