//! A journal that is being rewritten, awaited.

use std::path::Path;
use std::sync::{Arc, Mutex};

use pyo3::prelude::*;
use pyo3::types::PyList;
use untorn::tasks::Order;

use super::Request;
use super::reader::LaterReader;
use crate::position::Position;
use crate::reader::State;
use crate::rewrite::{Rewrite, copied, push};
use crate::slot::Slot;

type Awaitable<'py> = PyResult<Bound<'py, PyAny>>;

/// The verbs of a `Rewrite` that may take a while.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct LaterRewrite {
    path: Arc<Path>,
    slot: Arc<Slot<untorn::Rewrite>>,
}

#[pymethods]
impl LaterRewrite {
    #[new]
    fn new(rewrite: &Bound<'_, Rewrite>) -> LaterRewrite {
        LaterRewrite {
            path: rewrite.get().path().into(),
            slot: rewrite.get().slot(),
        }
    }

    fn reader<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let (slot, path) = (Arc::clone(&self.slot), Arc::clone(&self.path));
        let of = Arc::clone(&path);
        Request::read("compact", &self.path).run(
            py,
            move |_| slot.with("compact", &path, |rewrite| rewrite.records()),
            move |py, records| {
                let state = Arc::new(Mutex::new(State::new(records)));
                Ok(Bound::new(py, LaterReader::new(of, state))?.into_any())
            },
        )
    }

    fn push<'py>(
        &self,
        py: Python<'py>,
        records: &Bound<'_, PyList>,
        checked: bool,
    ) -> Awaitable<'py> {
        let records = copied(records)?;
        let (slot, path) = (Arc::clone(&self.slot), Arc::clone(&self.path));
        self.step().run(
            py,
            move |_| slot.with("compact", &path, |rewrite| push(rewrite, &records, checked)),
            |py, ()| super::none(py),
        )
    }

    /// Puts the new records in the place of the old, and releases the lock.
    fn commit<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let (slot, path) = (Arc::clone(&self.slot), Arc::clone(&self.path));
        self.step().run(
            py,
            move |_| {
                let end = slot.with("compact", &path, untorn::Rewrite::commit);
                drop(slot.take());
                end
            },
            |py, end| Ok(Bound::new(py, Position::from(end))?.into_any()),
        )
    }
}

impl LaterRewrite {
    /// A step under the rewrite's own lock. It waits for no other call, and is
    /// reported to its end.
    fn step(&self) -> Request<'_> {
        Request::always("compact", &self.path, Order::Immediate)
    }
}
