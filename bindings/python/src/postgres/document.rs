//! Documents of the store, as bytes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use untorn::Error;
use untorn_postgres::{Document, Update};

use super::call::{ask, run};
use super::names::Names;
use super::session::PostgresSession;
use crate::argument::{Data, Instance, Text};
use crate::call::Wait;
use crate::error::check;
use crate::lock::{FileLock, given};
use crate::slot::Slot;
use crate::timeout::{Expected, Timeout};

/// The base of `untorn.postgres.Document`: takes bytes, returns bytes and a version.
#[pyclass(subclass, frozen, weakref, module = "untorn._untorn")]
pub struct PostgresDocument {
    document: Document,
    names: Arc<Names>,
    closed: AtomicBool,
}

type Lock<'a, 'py> = Option<Instance<'a, 'py, FileLock>>;

#[pymethods]
impl PostgresDocument {
    /// The state, or the document of this name.
    #[new]
    #[pyo3(signature = (session, name))]
    fn new(
        py: Python<'_>,
        session: Instance<'_, '_, PostgresSession>,
        name: Option<Text>,
    ) -> PyResult<PostgresDocument> {
        let session = session.get();
        let document = match name {
            Some(name) => session.core().document(&name),
            None => session.core().state(),
        };
        Ok(PostgresDocument {
            document: check(py, document)?,
            names: Arc::clone(session.names()),
            closed: AtomicBool::new(false),
        })
    }

    fn _load<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyBytes>, String)> {
        let (bytes, version) = ask(py, self.name(), || self.document.load())?;
        Ok((PyBytes::new(py, &bytes), version.to_string()))
    }

    #[pyo3(signature = (data, expect, timeout, lock))]
    fn _save(
        &self,
        py: Python<'_>,
        data: Data<'_>,
        expect: Expected,
        timeout: Timeout,
        lock: Lock<'_, '_>,
    ) -> PyResult<String> {
        let patience = Wait::new(timeout, given(py, "save", lock)?);
        let data = data.bytes();
        self.usable(py, "save")?;
        run(py, self.name(), patience, |call| {
            self.document.save_with(data, expect.0, call)
        })
        .map(|version| version.to_string())
    }

    #[pyo3(signature = (expect, timeout, lock))]
    fn _remove(
        &self,
        py: Python<'_>,
        expect: Expected,
        timeout: Timeout,
        lock: Lock<'_, '_>,
    ) -> PyResult<bool> {
        let expect = expect.of_removal(py, self.name())?;
        let patience = Wait::new(timeout, given(py, "remove", lock)?);
        self.usable(py, "remove")?;
        run(py, self.name(), patience, |call| {
            self.document.remove_with(expect, call)
        })
    }

    #[pyo3(signature = (timeout, lock))]
    fn _begin_update(
        &self,
        py: Python<'_>,
        timeout: Timeout,
        lock: Lock<'_, '_>,
    ) -> PyResult<PostgresUpdate> {
        let patience = Wait::new(timeout, given(py, "update", lock)?);
        self.usable(py, "update")?;
        let update = run(py, self.name(), patience, |call| {
            self.document.begin_update(call)
        })?;
        Ok(PostgresUpdate {
            name: self.name().to_owned(),
            update: Slot::new(update),
        })
    }

    /// Closes the handle: later changes through it are refused. A second call
    /// does nothing.
    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether `close` was called.
    #[getter]
    fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// The name in messages: schema, key and file. It is not a path of this machine.
    #[getter]
    fn path(&self) -> PathBuf {
        self.name().to_owned()
    }

    /// `"process"` or `"power"`.
    #[getter]
    fn durability(&self) -> &str {
        &self.names.durability
    }
}

impl PostgresDocument {
    fn name(&self) -> &Path {
        self.document.name()
    }

    fn usable(&self, py: Python<'_>, operation: &'static str) -> PyResult<()> {
        let refuse = || Error::invalid_argument(operation, self.name(), "the document is closed");
        check(py, if self.closed() { Err(refuse()) } else { Ok(()) })
    }
}

/// An update of a document. It locks nothing: its save is refused if the document has
/// changed meanwhile.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct PostgresUpdate {
    name: PathBuf,
    update: Slot<Update>,
}

#[pymethods]
impl PostgresUpdate {
    /// Returns the bytes and their version; `None` if the document did not exist.
    fn _value<'py>(&self, py: Python<'py>) -> PyResult<Option<(Bound<'py, PyBytes>, String)>> {
        let found = self.update.with("update", &self.name, |update| {
            let value = update.value().map(<[u8]>::to_vec);
            Ok(value.zip(update.version()))
        });
        let found = check(py, found)?;
        Ok(found.map(|(bytes, version)| (PyBytes::new(py, &bytes), version.to_string())))
    }

    /// Saves.
    fn _save(&self, py: Python<'_>, data: Data<'_>) -> PyResult<String> {
        let data = data.bytes();
        ask(py, &self.name, || {
            self.update
                .with("save", &self.name, |update| update.save(data))
        })
        .map(|version| version.to_string())
    }

    /// Ends without a change. A second call does nothing.
    fn _finish(&self) {
        drop(self.update.take());
    }
}
