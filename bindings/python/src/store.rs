//! Stores and sessions.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use untorn::{Error, Search};

use crate::argument::{Count, Place, Text, Value};
use crate::call::{Wait, plain, wait};
use crate::error::{check, make_holder};
use crate::lease::Lease;
use crate::options;
use crate::reconcile;
use crate::search::hits;
use crate::timeout::Timeout;

/// The base of `untorn.Store`.
#[pyclass(subclass, frozen, weakref, module = "untorn._untorn")]
pub struct RawStore {
    store: untorn::Store,
    timeout: Option<Duration>,
}

impl RawStore {
    pub fn core(&self) -> &untorn::Store {
        &self.store
    }

    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub fn prepared(&self, text: &str, max_hits: Count) -> Search {
        let most = usize::try_from(max_hits.0).unwrap_or(usize::MAX);
        self.store.search(text).max_hits(most)
    }
}

#[pymethods]
impl RawStore {
    #[new]
    fn new(py: Python<'_>, path: Source<'_>, options: &Bound<'_, PyDict>) -> PyResult<RawStore> {
        let store = path.store(py, |path| {
            let open = options::store(path, options)?;
            plain(py, path, || open.open(path))
        })?;
        Ok(RawStore {
            store,
            timeout: options::timeout(options)?,
        })
    }

    /// The directory, with every symbolic link resolved.
    #[getter]
    fn path(&self) -> PathBuf {
        self.store.path().to_owned()
    }

    /// Returns the keys of all sessions, sorted.
    fn keys(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let patience = Wait::new(Timeout::Handles, None);
        wait(py, self.store.path(), &patience, |call| {
            self.store.keys_with(call)
        })
    }

    /// Removes the session with all its files. Returns `False` if it did not
    /// exist.
    ///
    /// Without a `timeout` it tries once. It raises `Locked`, with the owner,
    /// while a process owns the session.
    #[pyo3(signature = (key, *, timeout=Timeout::ONCE), text_signature = "($self, key, *, timeout=0)")]
    fn remove(&self, py: Python<'_>, key: Text, timeout: Timeout) -> PyResult<bool> {
        let patience = Wait::new(Timeout::Is(timeout.or(self.timeout)), None);
        wait(py, self.store.path(), &patience, |call| {
            self.store.remove_with(&key, call)
        })
    }

    /// Searches the journals of all sessions for a text, ignoring case. Returns
    /// the first hits, one per record, in the order of the keys, and within a
    /// journal in the order of the records.
    ///
    /// It searches the whole record, with names and punctuation. An escape counts
    /// as the character that it stands for. Takes no lock. It skips damage, and
    /// does not search rotated files. `progress` is called about every 50 ms with the
    /// number of bytes that are done, and of all bytes.
    #[pyo3(signature = (text, *, max_hits=Value(100), progress=None), text_signature = "($self, text, *, max_hits=100, progress=None)")]
    fn search<'py>(
        &self,
        py: Python<'py>,
        text: Text,
        max_hits: Count,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let search = self.prepared(&text, max_hits);
        let patience = Wait::new(Timeout::Handles, None).progress(progress);
        let found = wait(py, self.store.path(), &patience, |call| {
            search.run_with(call)
        })?;
        hits(py, &found)
    }

    fn _session(&self, py: Python<'_>, key: Text) -> PyResult<RawSession> {
        Ok(RawSession {
            session: Arc::new(check(py, self.store.session(&key))?),
            timeout: self.timeout,
        })
    }
}

/// The base of `untorn.Session`.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct RawSession {
    session: Arc<untorn::Session>,
    timeout: Option<Duration>,
}

impl RawSession {
    pub fn core(&self) -> &Arc<untorn::Session> {
        &self.session
    }

    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

#[pymethods]
impl RawSession {
    #[getter]
    fn _key(&self) -> &str {
        self.session.key()
    }

    #[getter]
    fn _path(&self) -> PathBuf {
        self.session.path().to_owned()
    }

    fn _exists(&self, py: Python<'_>) -> PyResult<bool> {
        plain(py, self.session.path(), || self.session.exists())
    }

    fn _journal(&self, py: Python<'_>) -> PyResult<Opened> {
        plain(py, self.session.path(), || self.session.journal()).map(Opened::journal)
    }

    /// Opens the state, or the document of this name.
    fn _document(&self, py: Python<'_>, name: Option<Text>) -> PyResult<Opened> {
        let name = name.as_deref();
        plain(py, self.session.path(), || document(&self.session, name)).map(Opened::document)
    }

    fn _media(&self, py: Python<'_>, name: Text) -> PyResult<PathBuf> {
        let patience = Wait::new(Timeout::Is(self.timeout), None);
        wait(py, self.session.path(), &patience, |call| {
            self.session.media_with(&name, call)
        })
    }

    fn _claim(&self, py: Python<'_>, label: Text, timeout: Timeout) -> PyResult<Lease> {
        let patience = Wait::new(Timeout::Is(timeout.or(self.timeout)), None);
        wait(py, self.session.path(), &patience, |call| {
            self.session.claim_with(&*label, call)
        })
        .map(Lease::new)
    }

    /// Returns a `Turn`, or `(outcome, holder)`.
    fn _begin_reconcile<'py>(
        &self,
        py: Python<'py>,
        timeout: Timeout,
    ) -> PyResult<Bound<'py, PyAny>> {
        let limit = timeout.or(self.timeout);
        let patience = Wait::new(Timeout::Is(limit), None);
        let begun = wait(py, self.session.path(), &patience, |call| {
            self.session.begin_reconcile(|| Ok(false), call)
        })?;
        reconcile::begun(py, self.session.path(), limit, begun)
    }

    fn _holder<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        plain(py, self.session.path(), || self.session.holder())?
            .map(|holder| make_holder(py, &holder))
            .transpose()
    }
}

pub fn document(session: &untorn::Session, name: Option<&str>) -> untorn::Result<untorn::Document> {
    match name {
        Some(name) => session.document(name),
        None => session.state(),
    }
}

/// A file that a session or the background has opened. A handle is made of it,
/// once.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct Opened(Mutex<Option<File>>);

pub enum File {
    Journal(untorn::Journal),
    Document(untorn::Document),
    Store(untorn::Store),
}

impl Opened {
    pub fn new(file: File) -> Opened {
        Opened(Mutex::new(Some(file)))
    }

    pub fn journal(journal: untorn::Journal) -> Opened {
        Opened::new(File::Journal(journal))
    }

    pub fn document(document: untorn::Document) -> Opened {
        Opened::new(File::Document(document))
    }

    fn take(&self) -> Option<File> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The source of a handle.
pub enum Source<'py> {
    Path(PathBuf),
    Opened(Bound<'py, Opened>),
}

impl<'py> FromPyObject<'_, 'py> for Source<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.cast::<Opened>() {
            Ok(opened) => Ok(Source::Opened(opened.to_owned())),
            Err(_) => {
                let Place(path) = object.extract()?;
                Ok(Source::Path(path))
            }
        }
    }
}

impl Source<'_> {
    pub fn journal(
        self,
        py: Python<'_>,
        open: impl FnOnce(&Path) -> PyResult<untorn::Journal>,
    ) -> PyResult<untorn::Journal> {
        match self {
            Source::Path(path) => open(&path),
            Source::Opened(opened) => match opened.get().take() {
                Some(File::Journal(journal)) => Ok(journal),
                _ => check(py, Err(used())),
            },
        }
    }

    pub fn document(
        self,
        py: Python<'_>,
        open: impl FnOnce(&Path) -> PyResult<untorn::Document>,
    ) -> PyResult<untorn::Document> {
        match self {
            Source::Path(path) => open(&path),
            Source::Opened(opened) => match opened.get().take() {
                Some(File::Document(document)) => Ok(document),
                _ => check(py, Err(used())),
            },
        }
    }
}

impl Source<'_> {
    fn store(
        self,
        py: Python<'_>,
        open: impl FnOnce(&Path) -> PyResult<untorn::Store>,
    ) -> PyResult<untorn::Store> {
        match self {
            Source::Path(path) => open(&path),
            Source::Opened(opened) => match opened.get().take() {
                Some(File::Store(store)) => Ok(store),
                _ => check(py, Err(used())),
            },
        }
    }
}

fn used() -> Error {
    Error::internal("open", Path::new(""), "an opened file is used twice")
}
