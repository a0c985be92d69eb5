//! A rewrite of a journal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::argument::Data;
use crate::call::plain;
use crate::position::Position;
use crate::reader::Reader;
use crate::slot::Slot;

/// A rewrite of a journal. It holds the lock until `_commit` or `_discard`, or
/// until this object is dropped.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct Rewrite {
    path: PathBuf,
    slot: Arc<Slot<untorn::Rewrite>>,
}

impl Rewrite {
    pub fn new(path: &Path, rewrite: untorn::Rewrite) -> Rewrite {
        Rewrite {
            path: path.to_owned(),
            slot: Arc::new(Slot::new(rewrite)),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn slot(&self) -> Arc<Slot<untorn::Rewrite>> {
        Arc::clone(&self.slot)
    }
}

/// Copies the records of a list, to push them while the interpreter continues.
pub fn copied(records: &Bound<'_, PyList>) -> PyResult<Vec<Vec<u8>>> {
    records
        .iter()
        .map(|record| {
            let data: Data<'_> = record.extract()?;
            Ok(data.bytes().to_vec())
        })
        .collect()
}

pub fn push(
    rewrite: &mut untorn::Rewrite,
    records: &[Vec<u8>],
    checked: bool,
) -> untorn::Result<()> {
    records.iter().try_for_each(|record| {
        if checked {
            rewrite.push(record)
        } else {
            rewrite.push_encoded(record)
        }
    })
}

#[pymethods]
impl Rewrite {
    /// Reads the records as they are before the commit.
    fn _reader(&self, py: Python<'_>) -> PyResult<Reader> {
        let records = plain(py, &self.path, || {
            self.slot
                .with("compact", &self.path, |rewrite| rewrite.records())
        })?;
        Ok(Reader::new(self.path.clone(), records))
    }

    /// The number of bytes before the rewrite.
    #[getter]
    fn _old_bytes(&self) -> PyResult<u64> {
        let of = |rewrite: &mut untorn::Rewrite| Ok(rewrite.old_bytes());
        Ok(self.slot.with("compact", &self.path, of).unwrap_or(0))
    }

    fn _push(&self, py: Python<'_>, records: &Bound<'_, PyList>, checked: bool) -> PyResult<()> {
        let records = copied(records)?;
        plain(py, &self.path, || {
            self.slot.with("compact", &self.path, |rewrite| {
                push(rewrite, &records, checked)
            })
        })
    }

    /// Puts the new records in the place of the old, and releases the lock.
    fn _commit(&self, py: Python<'_>) -> PyResult<Position> {
        let end = plain(py, &self.path, || {
            self.slot
                .with("compact", &self.path, untorn::Rewrite::commit)
        })?;
        self._discard(py);
        Ok(end.into())
    }

    /// Releases the lock without a change. A second call does nothing.
    fn _discard(&self, py: Python<'_>) {
        py.detach(|| drop(self.slot.take()));
    }
}
