//! The sessions of a schema.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use untorn_postgres::{Store, StoreOptions};

use super::call::{ask, run};
use super::driver::PyDriver;
use super::names::Names;
use super::session::PostgresSession;
use crate::argument::{Count, Text, Value};
use crate::call::Wait;
use crate::error::check;
use crate::given::Given;
use crate::options;
use crate::search::hits;
use crate::timeout::Timeout;

/// The base of `untorn.postgres.Store`.
#[pyclass(subclass, frozen, weakref, module = "untorn._untorn")]
pub struct PostgresStore {
    store: Store,
    timeout: Option<Duration>,
    names: Arc<Names>,
}

#[pymethods]
impl PostgresStore {
    #[new]
    fn new(
        py: Python<'_>,
        adapter: Py<PyAny>,
        schema: Text,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<PostgresStore> {
        let name = Path::new(&*schema);
        let open = of(name, options)?;
        let driver = PyDriver::new(py, adapter)?;
        let store = ask(py, name, || open.open(driver, &schema))?;
        let text = |name: &str, default: &str| match options.get_item(name)? {
            Some(text) => text.extract::<String>(),
            None => Ok(default.to_owned()),
        };
        Ok(PostgresStore {
            store,
            timeout: options::timeout(options)?,
            names: Arc::new(Names {
                journal: text("journal_name", "journal.jsonl")?,
                durability: text("durability", "power")?,
            }),
        })
    }

    /// Returns the name of the store in messages.
    #[getter]
    fn _name(&self) -> PathBuf {
        self.store.name().to_owned()
    }

    /// Returns the keys of all sessions, sorted.
    fn keys(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        ask(py, self.store.name(), || self.store.keys())
    }

    /// Removes the session with all its files. Returns `False` if it did not
    /// exist.
    ///
    /// Without a `timeout` it tries once. It raises `Locked`, with the owner,
    /// while a process owns the session.
    #[pyo3(signature = (key, *, timeout=Timeout::ONCE), text_signature = "($self, key, *, timeout=0)")]
    fn remove(&self, py: Python<'_>, key: Text, timeout: Timeout) -> PyResult<bool> {
        let patience = Wait::new(Timeout::Is(timeout.or(self.timeout)), None);
        run(py, self.store.name(), patience, |call| {
            self.store.remove_with(&key, call)
        })
    }

    /// Searches the journals of all sessions for a text, ignoring case. Returns
    /// the first hits, one per record, in the order of the keys, and within a
    /// journal in the order of the records.
    ///
    /// Each journal comes over the connection until enough hits are found. For a
    /// large store, ask the view `lines` with SQL. `progress` is called about every 50 ms
    /// with the number of bytes that are done, and of all bytes.
    #[pyo3(signature = (text, *, max_hits=Value(100), progress=None), text_signature = "($self, text, *, max_hits=100, progress=None)")]
    fn search<'py>(
        &self,
        py: Python<'py>,
        text: Text,
        max_hits: Count,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let most = usize::try_from(max_hits.0).unwrap_or(usize::MAX);
        let search = self.store.search(&*text).max_hits(most);
        let patience = Wait::new(Timeout::Handles, None).progress(progress);
        let found = run(py, self.store.name(), patience, |call| {
            search.run_with(call)
        })?;
        hits(py, &found)
    }

    fn _session(&self, py: Python<'_>, key: Text) -> PyResult<PostgresSession> {
        let session = check(py, self.store.session(&key))?;
        Ok(PostgresSession::new(session, self.timeout, &self.names))
    }
}

/// The options of a store. Other names are those of its journals.
fn of(name: &Path, given: &Bound<'_, PyDict>) -> PyResult<StoreOptions> {
    let mut made = Store::options().journal(options::journal(name, given)?);
    for (option, value) in given {
        let option = option.cast::<PyString>()?;
        let option = option.to_cow()?;
        let given = Given::new(name, &option, &value);
        made = match &*option {
            "journal_name" => made.journal_name(given.is::<String>()?),
            "state_name" => made.state_name(given.is::<String>()?),
            "durability" => made.durability(given.word()?),
            "timeout" => made.timeout(given.timeout()?),
            "ttl" => made.ttl(given.seconds()?),
            "connected" => made.connected(given.is()?),
            "patience" => made.patience(given.seconds()?),
            _ => made,
        };
    }
    Ok(made)
}
