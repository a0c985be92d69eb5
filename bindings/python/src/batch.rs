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
    /// An empty one, of the journal that it is for.
    pub batch: Batch,
    pub codec: Codec,
    /// Has the function `_encode`, for what this library does not encode itself.
    pub owner: &'a Bound<'py, PyAny>,
}

impl Encoder<'_, '_> {
    pub fn one(mut self, value: &Bound<'_, PyAny>) -> PyResult<Batch> {
        self.push(value)?;
        Ok(self.batch)
    }

    /// Encodes the values of an iterable, and adds a header.
    pub fn many(mut self, values: &Bound<'_, PyAny>, header: Option<Data<'_>>) -> PyResult<Batch> {
        for value in values.try_iter()? {
            self.push(&value?)?;
        }
        if let Some(header) = header {
            check(values.py(), self.batch.set_header(header.bytes()))?;
        }
        Ok(self.batch)
    }

    fn push(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = value.py();
        let batch = &mut self.batch;
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

/// Fills a batch with the encoded records of an iterator.
pub fn batch(
    py: Python<'_>,
    mut batch: Batch,
    records: &Bound<'_, PyIterator>,
    checked: bool,
) -> PyResult<Batch> {
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
