//! The records of one append.

use pyo3::prelude::*;
use pyo3::types::PyIterator;
use untorn::Batch;

use crate::argument::Data;
use crate::error::check;
use crate::json::{Style, encoded, with_buffer};

/// How a journal encodes its records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// As JSON, by this library.
    Json,
    /// By the caller's function, whose output is checked.
    Checked,
    /// By Python's code, whose output is right but for its framing.
    Trusted,
}

impl Codec {
    pub fn of(name: &str) -> Codec {
        match name {
            "json" => Codec::Json,
            "checked" => Codec::Checked,
            _ => Codec::Trusted,
        }
    }

    /// Adds one record. `encode` is a function of Python's, for what this library does not encode itself.
    pub fn push<'py>(
        self,
        batch: &mut Batch,
        value: &Bound<'py, PyAny>,
        encode: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        let py = value.py();
        if self == Codec::Json {
            let pushed = with_buffer(|line| {
                encoded(value, &Style::LINE, line).then(|| check(py, batch.push_encoded(line)))
            });
            if let Some(result) = pushed {
                return result;
            }
        }
        let record = encode()?;
        let data: Data<'_> = record.extract()?;
        check(py, push(batch, data.bytes(), self == Codec::Checked))
    }
}

/// Makes a batch of the encoded records of an iterator.
pub fn batch(
    py: Python<'_>,
    journal: &untorn::Journal,
    records: &Bound<'_, PyIterator>,
    checked: bool,
) -> PyResult<Batch> {
    let mut batch = journal.batch();
    for record in records {
        let record = record?;
        let data: Data<'_> = record.extract()?;
        check(py, push(&mut batch, data.bytes(), checked))?;
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
