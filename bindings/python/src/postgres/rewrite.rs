//! A rewrite of a journal of the store.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::PyList;
use untorn_postgres::Rewrite;

use super::call::ask;
use crate::position::Position;
use crate::reader::Reader;
use crate::rewrite::copied;
use crate::slot::Slot;

/// A rewrite of a journal, until `_commit` or `_discard`. It locks nothing: its commit is
/// refused if another process rewrote the journal meanwhile.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct PostgresRewrite {
    name: PathBuf,
    slot: Slot<Rewrite>,
    old_bytes: u64,
}

impl PostgresRewrite {
    pub fn new(name: &Path, rewrite: Rewrite) -> PostgresRewrite {
        PostgresRewrite {
            name: name.to_owned(),
            old_bytes: rewrite.old_bytes(),
            slot: Slot::new(rewrite),
        }
    }

    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Rewrite) -> untorn::Result<T> + Send,
    ) -> PyResult<T> {
        ask(py, &self.name, || {
            self.slot.with("compact", &self.name, work)
        })
    }
}

#[pymethods]
impl PostgresRewrite {
    /// Reads the records as they were when the rewrite began.
    fn _reader(&self, py: Python<'_>) -> PyResult<Reader> {
        let records = self.with(py, |rewrite| rewrite.records())?;
        Ok(Reader::new(self.name.clone(), records))
    }

    /// The number of bytes before the rewrite.
    #[getter]
    fn _old_bytes(&self) -> u64 {
        self.old_bytes
    }

    fn _push(&self, py: Python<'_>, records: &Bound<'_, PyList>, checked: bool) -> PyResult<()> {
        let records = copied(records)?;
        self.with(py, |rewrite| {
            records.iter().try_for_each(|record| {
                if checked {
                    rewrite.push(record)
                } else {
                    rewrite.push_encoded(record)
                }
            })
        })
    }

    /// Puts the new records in the place of the old.
    fn _commit(&self, py: Python<'_>) -> PyResult<Position> {
        self.with(py, Rewrite::commit).map(Position::from)
    }

    /// Ends it without a change. A second call does nothing.
    fn _discard(&self) {
        drop(self.slot.take());
    }
}
