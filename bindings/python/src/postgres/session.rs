//! A session of the store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use untorn_postgres::Session;

use super::call::{ask, run};
use super::lease::PostgresLease;
use super::names::Names;
use super::reconcile::begun;
use crate::argument::Text;
use crate::call::Wait;
use crate::error::make_holder;
use crate::timeout::Timeout;

/// The base of `untorn.postgres.Session`.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct PostgresSession {
    session: Arc<Session>,
    timeout: Option<Duration>,
    names: Arc<Names>,
}

impl PostgresSession {
    pub fn new(session: Session, timeout: Option<Duration>, names: &Arc<Names>) -> PostgresSession {
        PostgresSession {
            session: Arc::new(session),
            timeout,
            names: Arc::clone(names),
        }
    }

    pub fn core(&self) -> &Arc<Session> {
        &self.session
    }

    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub fn names(&self) -> &Arc<Names> {
        &self.names
    }
}

#[pymethods]
impl PostgresSession {
    #[getter]
    fn _key(&self) -> &str {
        self.session.key()
    }

    #[getter]
    fn _path(&self) -> PathBuf {
        self.session.name().to_owned()
    }

    fn _exists(&self, py: Python<'_>) -> PyResult<bool> {
        ask(py, self.session.name(), || self.session.exists())
    }

    /// Returns name, generation and size of each file.
    fn _files(&self, py: Python<'_>) -> PyResult<Vec<(String, u64, u64)>> {
        let files = ask(py, self.session.name(), || self.session.files())?;
        let parts = |file: untorn_postgres::Stat| (file.name, file.generation, file.size);
        Ok(files.into_iter().map(parts).collect())
    }

    fn _claim(&self, py: Python<'_>, label: Text, timeout: Timeout) -> PyResult<PostgresLease> {
        let patience = Wait::new(Timeout::Is(timeout.or(self.timeout)), None);
        run(py, self.session.name(), patience, |call| {
            self.session.claim_with(&*label, call)
        })
        .map(|lease| PostgresLease::new(lease, self.session.name()))
    }

    /// Returns a `PostgresTurn`, or `(outcome, holder)`.
    fn _begin_reconcile<'py>(
        &self,
        py: Python<'py>,
        timeout: Timeout,
    ) -> PyResult<Bound<'py, PyAny>> {
        let patience = Wait::new(Timeout::Is(timeout.or(self.timeout)), None);
        let name = self.session.name();
        let start = run(py, name, patience, |call| {
            self.session.begin_reconcile(|| Ok(false), call)
        })?;
        begun(py, name, start)
    }

    fn _holder<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        ask(py, self.session.name(), || self.session.holder())?
            .map(|holder| make_holder(py, &holder))
            .transpose()
    }
}
