//! How far Python has folded a journal's records into a state.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList};
use untorn::{Batch, Damage, FoldCursor, FoldTurn, Folded, OwnedRecord};

use crate::argument::Instance;
use crate::batch::batch;
use crate::call::{Wait, plain, wait};
use crate::lock::{FileLock, given};
use crate::position::Position;
use crate::reader::triple;
use crate::slot::Slot;
use crate::timeout::Timeout;

/// The most records that one call returns.
const RECORDS: usize = 256;
const BYTES: usize = 256 * 1024;

/// The base of `untorn.Fold`: remembers how far its state is.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct RawFold {
    journal: Arc<untorn::Journal>,
    cursor: Arc<FoldCursor>,
}

impl RawFold {
    pub fn new(journal: &Arc<untorn::Journal>) -> RawFold {
        RawFold {
            journal: Arc::clone(journal),
            cursor: Arc::new(journal.fold_cursor()),
        }
    }

    pub fn cursor(&self) -> &Arc<FoldCursor> {
        &self.cursor
    }

    pub fn journal(&self) -> &Arc<untorn::Journal> {
        &self.journal
    }
}

/// The position, if the state is up to date.
pub fn current(cursor: &FoldCursor) -> untorn::Result<Option<untorn::Position>> {
    if cursor.is_current()? {
        return Ok(cursor.position());
    }
    Ok(None)
}

#[pymethods]
impl RawFold {
    fn _current(&self, py: Python<'_>) -> PyResult<Option<Position>> {
        let position = plain(py, self.journal.path(), || current(&self.cursor))?;
        Ok(position.map(Position::from))
    }

    fn _begin(
        &self,
        py: Python<'_>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<RawTurn> {
        let patience = Wait::new(timeout, given(py, "fold", lock)?);
        let path = self.journal.path();
        wait(py, path, &patience, |call| self.cursor.begin(call))
            .map(|turn| RawTurn::new(&self.journal, turn))
    }

    /// Closes the file. The next turn opens it again.
    fn _close(&self, py: Python<'_>) {
        py.detach(|| self.cursor.close());
    }

    #[getter]
    fn _position(&self) -> Option<Position> {
        self.cursor.position().map(Position::from)
    }
}

/// A turn, which holds the journal's lock until `finish` or `drop`.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct RawTurn {
    path: PathBuf,
    journal: Arc<untorn::Journal>,
    slot: Arc<Slot<FoldTurn>>,
}

pub enum Item {
    Restart,
    Record(OwnedRecord),
    Damage(Damage),
}

/// Returns the records that the state lacks; none if it is up to date.
pub fn next(turn: &mut FoldTurn) -> untorn::Result<Vec<Item>> {
    chunk(turn, FoldTurn::next, FoldTurn::take_damage)
}

/// Does the same for a turn of any store.
pub fn chunk<T>(
    turn: &mut T,
    next: impl Fn(&mut T) -> untorn::Result<Option<Folded>>,
    take_damage: impl Fn(&mut T) -> Vec<Damage>,
) -> untorn::Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut bytes = 0;
    while items.len() < RECORDS && bytes < BYTES {
        let folded = next(turn)?;
        items.extend(take_damage(turn).into_iter().map(Item::Damage));
        match folded {
            None => break,
            Some(Folded::Record(record)) => {
                bytes += record.bytes.len();
                items.push(Item::Record(record));
            }
            // Also for a kind that a later core may add: the state is not trusted
            // then.
            Some(_) => items.push(Item::Restart),
        }
    }
    Ok(items)
}

pub fn list(py: Python<'_>, items: Vec<Item>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for item in &items {
        match item {
            Item::Restart => list.append(py.None())?,
            Item::Record(record) => list.append(triple(py, record))?,
            Item::Damage(damage) => {
                list.append((damage.kind.as_str(), damage.offset, damage.length))?;
            }
        }
    }
    Ok(list)
}

/// Ends the turn: the state is right.
pub fn finish(slot: &Slot<FoldTurn>, path: &Path) -> untorn::Result<untorn::Position> {
    match slot.take() {
        Some(turn) => turn.finish(),
        None => Err(untorn::Error::internal("fold", path, "a turn ends twice")),
    }
}

impl RawTurn {
    pub fn new(journal: &Arc<untorn::Journal>, turn: FoldTurn) -> RawTurn {
        RawTurn {
            path: journal.path().to_owned(),
            journal: Arc::clone(journal),
            slot: Arc::new(Slot::new(turn)),
        }
    }

    pub fn slot(&self) -> &Arc<Slot<FoldTurn>> {
        &self.slot
    }

    pub fn batch(
        &self,
        py: Python<'_>,
        records: &Bound<'_, PyIterator>,
        checked: bool,
    ) -> PyResult<Batch> {
        batch(py, self.journal.batch(), records, checked)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[pymethods]
impl RawTurn {
    /// Returns `None` for a restart, `(bytes, start, end)`, or `(kind, offset,
    /// length)`; an empty list at the end.
    fn _next<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let items = plain(py, &self.path, || self.slot.with("fold", &self.path, next))?;
        list(py, items)
    }

    fn _append(
        &self,
        py: Python<'_>,
        records: &Bound<'_, PyIterator>,
        checked: bool,
        decided: bool,
    ) -> PyResult<Position> {
        // Under the lock nothing comes between a decision and its records.
        let _ = decided;
        let batch = self.batch(py, records, checked)?;
        plain(py, &self.path, || {
            self.slot
                .with("append", &self.path, |turn| turn.append(&batch))
        })
        .map(Position::from)
    }

    fn _finish(&self, py: Python<'_>) -> PyResult<Position> {
        plain(py, &self.path, || finish(&self.slot, &self.path)).map(Position::from)
    }

    /// Ends the turn. If it was not finished, the state is no longer trusted.
    fn _drop(&self, py: Python<'_>) {
        py.detach(|| drop(self.slot.take()));
    }
}
