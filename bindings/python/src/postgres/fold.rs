//! How far Python has folded a journal of the store into a state. Nothing is locked: an
//! update that another process preceded is decided again.

use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList};
use untorn::{Error, ErrorKind};
use untorn_postgres::{FoldCursor, FoldTurn, Journal};

use super::call::{ask, run};
use super::closed::Closed;
use crate::argument::Instance;
use crate::batch::batch;
use crate::call::Wait;
use crate::fold::{chunk, list};
use crate::lock::{FileLock, given};
use crate::position::Position;
use crate::slot::Slot;
use crate::timeout::Timeout;

/// The base of `untorn.postgres.Fold`: remembers how far its state is.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct PostgresFold {
    journal: Journal,
    closed: Closed,
    cursor: FoldCursor,
}

impl PostgresFold {
    pub fn new(journal: &Journal, closed: &Closed) -> PostgresFold {
        PostgresFold {
            journal: journal.clone(),
            closed: closed.clone(),
            cursor: journal.fold_cursor(),
        }
    }
}

#[pymethods]
impl PostgresFold {
    /// Nothing: a turn asks the database once if the state is up to date, and so would this.
    #[expect(clippy::unused_self, reason = "it has the verbs of a fold of a file")]
    fn _current(&self) -> Option<Position> {
        None
    }

    fn _begin(
        &self,
        py: Python<'_>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<PostgresFoldTurn> {
        let patience = Wait::new(timeout, given(py, "fold", lock)?);
        let begun = run(py, self.journal.name(), patience, |call| {
            self.cursor.begin(call)
        });
        Ok(PostgresFoldTurn {
            journal: self.journal.clone(),
            closed: self.closed.clone(),
            slot: Slot::new(begun?),
        })
    }

    /// The next turn reads the journal again.
    fn _close(&self, py: Python<'_>) {
        py.detach(|| self.cursor.close());
    }

    #[getter]
    fn _position(&self) -> Option<Position> {
        self.cursor.position().map(Position::from)
    }
}

/// A turn of a fold. It locks nothing in the database.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct PostgresFoldTurn {
    journal: Journal,
    closed: Closed,
    slot: Slot<FoldTurn>,
}

#[pymethods]
impl PostgresFoldTurn {
    /// Returns `None` for a restart, `(bytes, start, end)`, or `(kind, offset,
    /// length)`; an empty list at the end.
    fn _next<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let name = self.journal.name();
        let items = ask(py, name, || {
            self.slot.with("fold", name, |turn| {
                chunk(turn, FoldTurn::next, FoldTurn::take_damage)
            })
        })?;
        list(py, items)
    }

    /// `decided`: the records depend on the state. Returns `None` if another process has
    /// appended since: then take in its records, and decide again.
    fn _append(
        &self,
        py: Python<'_>,
        records: &Bound<'_, PyIterator>,
        checked: bool,
        decided: bool,
    ) -> PyResult<Option<Position>> {
        let name = self.journal.name();
        self.closed.check(py, "append", name)?;
        let batch = batch(py, self.journal.batch(), records, checked)?;
        let patience = Wait::new(Timeout::Handles, None);
        run(py, name, patience, |call| {
            if !decided {
                return self.journal.append_batch(&batch, None, call).map(Some);
            }
            let appended = self
                .slot
                .with("append", name, |turn| turn.append_with(&batch, call));
            match appended {
                Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
                done => done.map(Some),
            }
        })
        .map(|end| end.map(Position::from))
    }

    fn _finish(&self, py: Python<'_>) -> PyResult<Position> {
        let name = self.journal.name();
        let turn = self.slot.take();
        ask(py, name, || match turn {
            Some(turn) => turn.finish(),
            None => Err(Error::internal("fold", name, "a turn ends twice")),
        })
        .map(Position::from)
    }

    /// Ends the turn. If it was not finished, the state is no longer trusted.
    fn _drop(&self, py: Python<'_>) {
        py.detach(|| drop(self.slot.take()));
    }
}
