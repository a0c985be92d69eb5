//! The records of one append.

use pyo3::intern;
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
}

/// Encodes values for one journal.
pub struct Encoder<'a, 'py> {
    pub journal: &'a untorn::Journal,
    pub codec: Codec,
    /// Has the function `_encode`, for what this library does not encode itself.
    pub owner: &'a Bound<'py, PyAny>,
}

impl Encoder<'_, '_> {
    pub fn one(&self, value: &Bound<'_, PyAny>) -> PyResult<Batch> {
        let mut batch = self.journal.batch();
        self.push(&mut batch, value)?;
        Ok(batch)
    }

    /// Encodes the values of an iterable, and adds a header.
    pub fn many(&self, values: &Bound<'_, PyAny>, header: Option<Data<'_>>) -> PyResult<Batch> {
        let mut batch = self.journal.batch();
        for value in values.try_iter()? {
            self.push(&mut batch, &value?)?;
        }
        if let Some(header) = header {
            check(values.py(), batch.set_header(header.bytes()))?;
        }
        Ok(batch)
    }

    fn push(&self, batch: &mut Batch, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = value.py();
        if self.codec == Codec::Json {
            let pushed = with_buffer(|line| {
                encoded(value, &Style::LINE, line).then(|| check(py, batch.push_encoded(line)))
            });
            if let Some(result) = pushed {
                return result;
            }
        }
        let record = self.owner.call_method1(intern!(py, "_encode"), (value,))?;
        let data: Data<'_> = record.extract()?;
        check(py, push(batch, data.bytes(), self.codec == Codec::Checked))
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

fn push(batch: &mut Batch, record: &[u8], checked: bool) -> untorn::Result<()> {
    if checked {
        batch.push(record)
    } else {
        batch.push_encoded(record)
    }
}
