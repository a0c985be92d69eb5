//! The native half of `untorn.aio.Transaction`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use untorn::Transaction;
use untorn::tasks::Order;

use super::{Request, none};
use crate::argument::{Data, Text};
use crate::rewrite::copied;
use crate::slot::Slot;
use crate::transaction::{Begun, Origin, RawTransaction, contents};

type Awaitable<'py> = PyResult<Bound<'py, PyAny>>;

/// The verbs of a transaction that may take a while. They keep their order.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct LaterTransaction {
    origin: Origin,
    dir: Arc<Path>,
    order: PathBuf,
    timeout: Option<Duration>,
    slot: Arc<Slot<Begun>>,
}

#[pymethods]
impl LaterTransaction {
    #[new]
    fn new(transaction: &Bound<'_, RawTransaction>) -> LaterTransaction {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (origin, timeout, slot) = transaction.get().parts();
        LaterTransaction {
            dir: Arc::clone(&origin.dir),
            origin,
            // Relative, so that it is no file's path.
            order: format!("transaction/{}", NEXT.fetch_add(1, Ordering::Relaxed)).into(),
            timeout,
            slot,
        }
    }

    fn begin<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let (origin, slot) = (self.origin.clone(), Arc::clone(&self.slot));
        let request = Request {
            // In the order of the calls, of all transactions in the directory.
            order: Order::File(self.dir.join("transaction")),
            ..self.step("begin")
        };
        request.run(
            py,
            move |call| origin.begin(call),
            move |py, begun| {
                slot.put(begun);
                none(py)
            },
        )
    }

    fn load<'py>(&self, py: Python<'py>, name: Text) -> Awaitable<'py> {
        let name = name.0;
        self.run(
            py,
            "load",
            move |tx, call| tx.load_with(&name, call),
            |py, found| contents(py, found).into_bound_py_any(py),
        )
    }

    fn save<'py>(&self, py: Python<'py>, name: Text, data: Data<'_>) -> Awaitable<'py> {
        let name = name.0;
        let data = data.bytes().to_vec();
        self.run(
            py,
            "save",
            move |tx, _| tx.save(&name, &data),
            |py, version| Ok(PyString::new(py, &version.to_string()).into_any()),
        )
    }

    fn create<'py>(&self, py: Python<'py>, name: Text, data: Data<'_>) -> Awaitable<'py> {
        let name = name.0;
        let data = data.bytes().to_vec();
        self.run(
            py,
            "create",
            move |tx, _| tx.create(&name, &data),
            |py, version| Ok(PyString::new(py, &version.to_string()).into_any()),
        )
    }

    fn append<'py>(
        &self,
        py: Python<'py>,
        name: Text,
        records: &Bound<'_, PyList>,
    ) -> Awaitable<'py> {
        let name = name.0;
        let records = copied(records)?;
        self.run(
            py,
            "append",
            move |tx, _| tx.append(&name, &records),
            |py, ()| none(py),
        )
    }

    fn set_header<'py>(&self, py: Python<'py>, name: Text, header: Data<'_>) -> Awaitable<'py> {
        let name = name.0;
        let header = header.bytes().to_vec();
        self.run(
            py,
            "set_header",
            move |tx, call| tx.set_header_with(&name, &header, call),
            |py, ()| none(py),
        )
    }

    fn remove<'py>(&self, py: Python<'py>, name: Text) -> Awaitable<'py> {
        let name = name.0;
        self.run(
            py,
            "remove",
            move |tx, call| tx.remove_with(&name, call),
            |py, removed| Ok(removed.into_pyobject(py)?.to_owned().into_any()),
        )
    }

    /// Makes all the changes, or none; then the transaction is over.
    fn commit<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let (of, dir) = (Arc::clone(&self.slot), Arc::clone(&self.dir));
        self.step("commit").run(
            py,
            move |call| {
                let result = of.with("commit", &dir, |begun| begun.commit(call));
                drop(of.take());
                result
            },
            |py, ()| none(py),
        )
    }

    /// Ends it without a change, behind what was begun in it.
    fn rollback<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let slot = Arc::clone(&self.slot);
        Request::always("rollback", &self.dir, Order::File(self.order.clone())).run(
            py,
            move |_| {
                drop(slot.take());
                Ok(())
            },
            |py, ()| none(py),
        )
    }
}

impl LaterTransaction {
    fn step(&self, operation: &'static str) -> Request<'_> {
        Request {
            order: Order::File(self.order.clone()),
            limit: self.timeout,
            keeps_lock: true,
            ..Request::read(operation, &self.dir)
        }
    }

    fn run<'py, T: Send + 'static>(
        &self,
        py: Python<'py>,
        operation: &'static str,
        work: impl FnOnce(&mut Transaction, &untorn::CallOptions<'_>) -> untorn::Result<T>
        + Send
        + 'static,
        finish: impl for<'p> FnOnce(Python<'p>, T) -> PyResult<Bound<'p, PyAny>> + Send + 'static,
    ) -> Awaitable<'py> {
        let (slot, dir) = (Arc::clone(&self.slot), Arc::clone(&self.dir));
        self.step(operation).run(
            py,
            move |call| slot.with(operation, &dir, |begun| work(begun.transaction()?, call)),
            finish,
        )
    }
}
