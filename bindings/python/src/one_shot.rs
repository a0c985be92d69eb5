//! Calls that need no handle of Python's: to make one takes as long as all their system calls.

use pyo3::prelude::*;
use untorn::JournalOptions;

use crate::argument::Place;
use crate::call::{Wait, wait};
use crate::given::Given;
use crate::json::{Style, encoded, with_buffer};
use crate::position::Position;
use crate::timeout::Timeout;

/// Appends one value to the journal at `path`; `None` if the encoding is left to `json`.
#[pyfunction]
pub fn append_once(
    py: Python<'_>,
    path: Place,
    value: &Bound<'_, PyAny>,
    durability: &Bound<'_, PyAny>,
    timeout: &Bound<'_, PyAny>,
) -> PyResult<Option<Position>> {
    let Place(path) = path;
    let open = || {
        Ok::<_, PyErr>(
            JournalOptions::default()
                .parents(true)
                .durability(Given::new(&path, "durability", durability).word()?)
                .timeout(Given::new(&path, "timeout", timeout).timeout()?),
        )
    };
    with_buffer(|line| {
        if !encoded(value, &Style::LINE, line) {
            return Ok(None);
        }
        let open = open()?;
        let patience = Wait::new(Timeout::Handles, None);
        let end = wait(py, &path, &patience, |call| {
            let journal = open.open(&path)?;
            let mut batch = journal.batch();
            batch.push_encoded(line)?;
            journal.append_batch(&batch, None, call)
        })?;
        Ok(Some(Position::from(end)))
    })
}
