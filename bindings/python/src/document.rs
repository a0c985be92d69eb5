//! Documents, as bytes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use untorn::Error;

use crate::argument::{Data, Instance};
use crate::call::{Wait, plain, wait};
use crate::dropped::dropped_in_use;
use crate::error::check;
use crate::lock::{FileLock, given};
use crate::options;
use crate::store::Source;
use crate::timeout::{Expected, Timeout};

/// The base of `untorn.Document`: takes bytes, returns bytes and a version.
#[pyclass(subclass, frozen, weakref, module = "untorn._untorn")]
pub struct RawDocument {
    document: Arc<untorn::Document>,
    timeout: Option<Duration>,
    closed: AtomicBool,
}

impl RawDocument {
    pub fn core(&self) -> &Arc<untorn::Document> {
        &self.document
    }

    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

#[pymethods]
impl RawDocument {
    #[new]
    fn new(py: Python<'_>, path: Source<'_>, options: &Bound<'_, PyDict>) -> PyResult<RawDocument> {
        let document = path.document(py, |path| {
            let open = options::document(path, options)?;
            plain(py, path, || open.open(path))
        })?;
        Ok(RawDocument {
            document: Arc::new(document),
            timeout: options::timeout(options)?,
            closed: AtomicBool::new(false),
        })
    }

    fn _load<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyBytes>, String)> {
        let (bytes, version) = plain(py, self.document.path(), || self.document.load())?;
        Ok((PyBytes::new(py, &bytes), version.to_string()))
    }

    #[pyo3(signature = (data, expect, timeout, lock))]
    fn _save(
        &self,
        py: Python<'_>,
        data: Data<'_>,
        expect: Expected,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<String> {
        let patience = Wait::new(timeout, given(py, "save", lock)?);
        let data = data.bytes();
        wait(py, self.document.path(), &patience, |call| {
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
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<bool> {
        let expect = expect.of_removal(py, self.document.path())?;
        let patience = Wait::new(timeout, given(py, "remove", lock)?);
        wait(py, self.document.path(), &patience, |call| {
            self.document.remove_with(expect, call)
        })
    }

    #[pyo3(signature = (timeout, lock))]
    fn _begin_update(
        &self,
        py: Python<'_>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<Update> {
        let patience = Wait::new(timeout, given(py, "update", lock)?);
        let update = wait(py, self.document.path(), &patience, |call| {
            self.document.begin_update(call)
        })?;
        Ok(Update::new(self.document.path(), update))
    }

    /// Closes the handle: later changes through it are refused. A second call
    /// does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        plain(py, self.document.path(), || self.document.close())?;
        self.closed.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether `close` was called.
    #[getter]
    fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// The path of the file, with every symbolic link resolved.
    #[getter]
    fn path(&self) -> PathBuf {
        self.document.path().to_owned()
    }

    /// `"process"` or `"power"`.
    #[getter]
    fn durability(&self) -> &'static str {
        self.document.durability().as_str()
    }
}

/// An update of a document. It holds the lock until `_save` or `_finish`, or
/// until this object is dropped.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct Update {
    path: PathBuf,
    /// Never locked while this thread waits for the interpreter's lock.
    update: Mutex<Option<untorn::Update>>,
}

impl Update {
    pub fn new(path: &Path, update: untorn::Update) -> Update {
        Update {
            path: path.to_owned(),
            update: Mutex::new(Some(update)),
        }
    }

    /// Takes it for the save, once.
    pub fn take(&self, py: Python<'_>) -> PyResult<untorn::Update> {
        let update = self.let_go();
        check(
            py,
            update.ok_or_else(|| {
                Error::invalid_argument("save", &self.path, "this update is finished")
            }),
        )
    }

    fn let_go(&self) -> Option<untorn::Update> {
        self.update
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Drop for Update {
    fn drop(&mut self) {
        if self.let_go().is_some() {
            dropped_in_use(&format!(
                "the update of {} was open when it was dropped, and nothing is saved: use `with`",
                self.path.display()
            ));
        }
    }
}

#[pymethods]
impl Update {
    /// Returns the bytes and their version; `None` if the document did not exist.
    fn _value<'py>(&self, py: Python<'py>) -> Option<(Bound<'py, PyBytes>, String)> {
        let update = self.update.lock().unwrap_or_else(PoisonError::into_inner);
        let update = update.as_ref()?;
        let version = update.version()?;
        Some((PyBytes::new(py, update.value()?), version.to_string()))
    }

    /// Saves, and releases the lock.
    fn _save(&self, py: Python<'_>, data: Data<'_>) -> PyResult<String> {
        let mut update = self.take(py)?;
        let data = data.bytes();
        plain(py, &self.path, move || update.save(data)).map(|version| version.to_string())
    }

    /// Releases the lock without a change. A second call does nothing.
    fn _finish(&self, py: Python<'_>) {
        if let Some(update) = self.let_go() {
            py.detach(|| drop(update));
        }
    }
}
