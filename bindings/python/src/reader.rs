//! Reads a journal many records at a time, so that handing over the interpreter's
//! lock costs little for each.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use untorn::{Damage, Error, OwnedRecord, Records};

use crate::argument::Count;
use crate::error::check;
use crate::json;
use crate::position::Position;
use crate::postgres::ask;

/// The records of one call, and about as many bytes: reading takes constant
/// memory.
const RECORDS: usize = 256;
const BYTES: usize = 256 * 1024;
const FIRST: usize = 16;

/// Reads a journal from a position on.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct Reader {
    path: PathBuf,
    /// Taken out during a read, so that nothing waits for this mutex.
    state: Mutex<Option<State>>,
}

pub struct State {
    records: Records,
    /// The error that ended the reading, after the records before it.
    failed: Option<Error>,
    /// How many the next call returns: few at first, for who wants only those.
    at_once: usize,
}

pub enum Item {
    Record(OwnedRecord),
    Damage(Damage),
}

impl Reader {
    pub fn new(path: PathBuf, records: Records) -> Reader {
        Reader {
            path,
            state: Mutex::new(Some(State::new(records))),
        }
    }

    fn put(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
    }
}

#[pymethods]
impl Reader {
    /// Returns the next records and damages in file order: `(bytes, start, end)`
    /// or `(kind, offset, length)`; an empty list at the end.
    fn _next<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        list(py, self.items(py)?)
    }

    /// Returns the next values, and what is left to Python. Both are empty at the end.
    fn _values<'py>(
        &self,
        py: Python<'py>,
        ends: bool,
        loads: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyList>, Bound<'py, PyList>)> {
        values(py, self.items(py)?, ends, loads)
    }
}

impl Reader {
    fn items(&self, py: Python<'_>) -> PyResult<Vec<Item>> {
        let state = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(mut state) = state else {
            return Err(PyRuntimeError::new_err(
                "this iterator is being read by another thread; make one for each",
            ));
        };
        // The journal may be in a database, and the driver raise.
        let (state, items) = ask(py, &self.path, move || {
            let items = state.next();
            Ok((state, items))
        })?;
        self.put(state);
        check(py, items)
    }
}

/// Reads records from a position, or from the start, within limits.
pub fn read_from(
    journal: &untorn::Journal,
    start: Option<untorn::Position>,
    max_records: Option<Count>,
    max_bytes: Option<Count>,
) -> untorn::Result<Records> {
    let records = match start {
        Some(start) => journal.records_from(start)?,
        None => journal.records()?,
    };
    Ok(limited(records, max_records, max_bytes))
}

/// Limits what is read.
pub fn limited(records: Records, max_records: Option<Count>, max_bytes: Option<Count>) -> Records {
    let limit = |count: Option<Count>| count.map(|count| count.0);
    records.limits(limit(max_records), limit(max_bytes))
}

pub fn tail_list(py: Python<'_>, records: Vec<OwnedRecord>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for record in &records {
        list.append(triple(py, record))?;
    }
    Ok(list)
}

/// Decodes items. Returns the values, each with its end if `ends`, and what is left to Python: the place among the
/// values, and an item as of `list`. That is damage, and records that `loads` refused, with its exception.
pub fn values<'py>(
    py: Python<'py>,
    items: Vec<Item>,
    ends: bool,
    loads: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyList>, Bound<'py, PyList>)> {
    let (values, left) = (PyList::empty(py), PyList::empty(py));
    for item in &items {
        let record = match item {
            Item::Record(record) => record,
            Item::Damage(damage) => {
                let damage = (damage.kind.as_str(), damage.offset, damage.length);
                left.append((values.len(), damage, py.None()))?;
                continue;
            }
        };
        let decoded = match loads {
            None => json::decoded(py, &record.bytes).ok_or_else(|| py.None()),
            Some(loads) => loads
                .call1((PyBytes::new(py, &record.bytes),))
                .map_err(|error| error.into_value(py).into_any()),
        };
        match decoded {
            Ok(value) if ends => values.append((Position::from(record.end), value))?,
            Ok(value) => values.append(value)?,
            Err(why) => left.append((values.len(), triple(py, record), why))?,
        }
    }
    Ok((values, left))
}

/// Converts items for Python.
pub fn list(py: Python<'_>, items: Vec<Item>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for item in &items {
        match item {
            Item::Record(record) => list.append(triple(py, record))?,
            Item::Damage(damage) => {
                list.append((damage.kind.as_str(), damage.offset, damage.length))?;
            }
        }
    }
    Ok(list)
}

pub fn triple<'py>(
    py: Python<'py>,
    record: &OwnedRecord,
) -> (Bound<'py, PyBytes>, Position, Position) {
    (
        PyBytes::new(py, &record.bytes),
        Position::from(record.start),
        Position::from(record.end),
    )
}

impl State {
    pub fn new(records: Records) -> State {
        State {
            records,
            failed: None,
            at_once: FIRST,
        }
    }

    /// Returns the next items; none at the end.
    pub fn next(&mut self) -> untorn::Result<Vec<Item>> {
        let mut items = Vec::new();
        let mut bytes = 0;
        while self.failed.is_none() && items.len() < self.at_once && bytes < BYTES {
            let next = self.records.next_record();
            let next = next.map(|record| record.map(OwnedRecord::from));
            // Damage that was skipped before the record comes first.
            items.extend(self.records.take_damage().into_iter().map(Item::Damage));
            match next {
                Ok(Some(record)) => {
                    bytes += record.bytes.len();
                    items.push(Item::Record(record));
                }
                Ok(None) => break,
                Err(error) => self.failed = Some(error),
            }
        }
        self.at_once = RECORDS.min(self.at_once * 4);
        match (&self.failed, items.is_empty()) {
            (Some(error), true) => Err(error.clone()),
            _ => Ok(items),
        }
    }
}
