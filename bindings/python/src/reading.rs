//! Reading a journal, as bytes.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::argument::{Count, Instance};
use crate::call::{Wait, plain, wait};
use crate::journal::RawJournal;
use crate::position::Position;
use crate::reader::{Reader, read_from, tail_list};
use crate::timeout::Timeout;

#[pyfunction]
pub fn read_journal(
    py: Python<'_>,
    journal: &Bound<'_, RawJournal>,
    start: Option<Instance<'_, '_, Position>>,
    max_records: Option<Count>,
    max_bytes: Option<Count>,
) -> PyResult<Reader> {
    let core = journal.get().core();
    let start = start.map(|position| position.get().core());
    plain(py, core.path(), || {
        read_from(core, start, max_records, max_bytes)
    })
    .map(|records| Reader::new(core.path().to_owned(), records))
}

#[pyfunction]
pub fn tail_journal<'py>(
    py: Python<'py>,
    journal: &Bound<'py, RawJournal>,
    n: Count,
) -> PyResult<Bound<'py, PyList>> {
    let core = journal.get().core();
    let n = usize::try_from(n.0).unwrap_or(usize::MAX);
    let patience = Wait::new(Timeout::Handles, None);
    let records = wait(py, core.path(), &patience, |call| core.tail_with(n, call))?;
    tail_list(py, records)
}

/// Counts the records.
#[pyfunction]
pub fn count_records(py: Python<'_>, journal: &Bound<'_, RawJournal>) -> PyResult<u64> {
    let core = journal.get().core();
    plain(py, core.path(), || {
        let mut records = core.records()?;
        let mut count = 0;
        while records.next_record()?.is_some() {
            count += 1;
        }
        Ok(count)
    })
}

#[pyfunction]
pub fn read_header<'py>(
    py: Python<'py>,
    journal: &Bound<'py, RawJournal>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let core = journal.get().core();
    let header = plain(py, core.path(), || core.header())?;
    Ok(header.map(|header| PyBytes::new(py, &header)))
}
