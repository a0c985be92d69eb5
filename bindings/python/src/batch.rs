//! The records of one append.

use pyo3::prelude::*;
use pyo3::types::PyIterator;
use untorn::Batch;

use crate::argument::Data;
use crate::error::check;

/// Makes a batch of the records of an iterator, and a header.
pub fn batch(
    py: Python<'_>,
    journal: &untorn::Journal,
    records: &Bound<'_, PyIterator>,
    checked: bool,
    header: Option<Data<'_>>,
) -> PyResult<Batch> {
    let mut batch = journal.batch();
    for record in records {
        let record = record?;
        let data: Data<'_> = record.extract()?;
        check(py, push(&mut batch, data.bytes(), checked))?;
    }
    if let Some(header) = header {
        check(py, batch.set_header(header.bytes()))?;
    }
    Ok(batch)
}

pub fn push(batch: &mut Batch, record: &[u8], checked: bool) -> untorn::Result<()> {
    if checked {
        batch.push(record)
    } else {
        batch.push_encoded(record)
    }
}
