//! The native half of `untorn.aio.Fold`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use untorn::tasks::Order;
use untorn::{FoldCursor, FoldTurn};

use super::Request;
use crate::argument::Instance;
use crate::fold::{RawFold, RawTurn, current, finish, list, next};
use crate::lock::{FileLock, given};
use crate::position::Position;
use crate::slot::Slot;
use crate::timeout::Timeout;

type Awaitable<'py> = PyResult<Bound<'py, PyAny>>;

/// The verbs of a `RawFold` that may take a while.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct LaterFold {
    path: Arc<Path>,
    timeout: Option<Duration>,
    journal: Arc<untorn::Journal>,
    cursor: Arc<FoldCursor>,
}

#[pymethods]
impl LaterFold {
    /// `timeout` is the journal's.
    #[new]
    fn new(fold: &Bound<'_, RawFold>, timeout: Timeout) -> LaterFold {
        let fold = fold.get();
        LaterFold {
            path: fold.journal().path().into(),
            timeout: timeout.of_handle(),
            journal: Arc::clone(fold.journal()),
            cursor: Arc::clone(fold.cursor()),
        }
    }

    fn current<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let cursor = Arc::clone(&self.cursor);
        Request::read("fold", &self.path).run(
            py,
            move |_| current(&cursor),
            |py, position| position.map(Position::from).into_bound_py_any(py),
        )
    }

    /// Gives a `RawTurn`, which holds the lock.
    fn begin<'py>(
        &self,
        py: Python<'py>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> Awaitable<'py> {
        let lock = given(py, "fold", lock)?;
        let (cursor, journal) = (Arc::clone(&self.cursor), Arc::clone(&self.journal));
        let request = Request {
            order: Order::of(&self.path, lock.as_deref()),
            limit: timeout.or(self.timeout),
            lock,
            ..Request::read("fold", &self.path)
        };
        request.keeping_lock().run(
            py,
            move |call| cursor.begin(call),
            move |py, turn| Ok(Bound::new(py, RawTurn::new(&journal, turn))?.into_any()),
        )
    }
}

/// The verbs of a `RawTurn` that may take a while.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct LaterTurn {
    path: Arc<Path>,
    turn: Py<RawTurn>,
    slot: Arc<Slot<FoldTurn>>,
}

#[pymethods]
impl LaterTurn {
    #[new]
    fn new(turn: &Bound<'_, RawTurn>) -> LaterTurn {
        LaterTurn {
            path: turn.get().path().into(),
            turn: turn.clone().unbind(),
            slot: Arc::clone(turn.get().slot()),
        }
    }

    fn next<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let (slot, path) = self.parts();
        self.step().run(
            py,
            move |_| slot.with("fold", &path, next),
            |py, items| Ok(list(py, items)?.into_any()),
        )
    }

    fn append<'py>(
        &self,
        py: Python<'py>,
        records: &Bound<'_, PyIterator>,
        checked: bool,
        decided: bool,
    ) -> Awaitable<'py> {
        let _ = decided;
        let batch = self.turn.get().batch(py, records, checked)?;
        let (slot, path) = self.parts();
        self.step().run(
            py,
            move |_| slot.with("append", &path, |turn| turn.append(&batch)),
            |py, end| Ok(Bound::new(py, Position::from(end))?.into_any()),
        )
    }

    fn finish<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let (slot, path) = self.parts();
        self.step().run(
            py,
            move |_| finish(&slot, &path),
            |py, end| Ok(Bound::new(py, Position::from(end))?.into_any()),
        )
    }
}

impl LaterTurn {
    fn parts(&self) -> (Arc<Slot<FoldTurn>>, Arc<Path>) {
        (Arc::clone(&self.slot), Arc::clone(&self.path))
    }

    /// A step under the fold's own lock. It waits for no other call, and is reported
    /// to its end.
    fn step(&self) -> Request<'_> {
        Request::always("fold", &self.path, Order::Immediate)
    }
}
