//! The native half of `untorn.aio.Document`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use untorn::tasks::Order;

use super::Request;
use crate::argument::{Data, Instance};
use crate::document::{RawDocument, Update};
use crate::lock::{FileLock, given};
use crate::timeout::{Expected, Timeout};

/// The verbs of a document that may take a while.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct LaterDocument {
    document: Arc<untorn::Document>,
    path: Arc<Path>,
    timeout: Option<Duration>,
}

type Awaitable<'py> = PyResult<Bound<'py, PyAny>>;

#[pymethods]
impl LaterDocument {
    #[new]
    fn new(document: &Bound<'_, RawDocument>) -> LaterDocument {
        let raw = document.get();
        LaterDocument {
            document: Arc::clone(raw.core()),
            path: raw.core().path().into(),
            timeout: raw.timeout(),
        }
    }

    fn load<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let document = Arc::clone(&self.document);
        Request::read("load", &self.path).run(
            py,
            move |_| document.load(),
            |py, (bytes, version)| {
                let pair = (PyBytes::new(py, &bytes), version.to_string());
                Ok(pair.into_pyobject(py)?.into_any())
            },
        )
    }

    fn save<'py>(
        &self,
        py: Python<'py>,
        data: Data<'_>,
        expect: Expected,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> Awaitable<'py> {
        let document = Arc::clone(&self.document);
        let data = data.bytes().to_vec();
        self.change(py, "save", timeout, lock)?.run(
            py,
            move |call| document.save_with(&data, expect.0, call),
            |py, version| Ok(PyString::new(py, &version.to_string()).into_any()),
        )
    }

    fn remove<'py>(
        &self,
        py: Python<'py>,
        expect: Expected,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> Awaitable<'py> {
        let expect = expect.of_removal(py, &self.path)?;
        let document = Arc::clone(&self.document);
        self.change(py, "remove", timeout, lock)?.run(
            py,
            move |call| document.remove_with(expect, call),
            |py, removed| Ok(removed.into_pyobject(py)?.to_owned().into_any()),
        )
    }

    /// Gives an `Update`, which holds the lock.
    fn begin_update<'py>(
        &self,
        py: Python<'py>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> Awaitable<'py> {
        let document = Arc::clone(&self.document);
        let path = Arc::clone(&self.path);
        let request = self.change(py, "update", timeout, lock)?.keeping_lock();
        request.run(
            py,
            move |call| document.begin_update(call),
            move |py, update| Ok(Bound::new(py, Update::new(&path, update))?.into_any()),
        )
    }

    /// Saves an `Update`, and releases its lock. It passes other changes, which
    /// wait for it.
    fn save_update<'py>(
        &self,
        py: Python<'py>,
        update: &Bound<'_, Update>,
        data: Data<'_>,
    ) -> Awaitable<'py> {
        let mut update = update.get().take(py)?;
        let data = data.bytes().to_vec();
        let request = Request::always("save", &self.path, Order::Immediate);
        request.run(
            py,
            move |_| update.save(&data),
            |py, version| Ok(PyString::new(py, &version.to_string()).into_any()),
        )
    }
}

impl LaterDocument {
    fn change(
        &self,
        py: Python<'_>,
        operation: &'static str,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<Request<'_>> {
        let lock = given(py, operation, lock)?;
        Ok(Request {
            order: Order::of(&self.path, lock.as_deref()),
            limit: timeout.or(self.timeout),
            lock,
            ..Request::read(operation, &self.path)
        })
    }
}
