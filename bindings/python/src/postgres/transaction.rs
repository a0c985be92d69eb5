//! Transactions of the store, as bytes.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use untorn::{CallOptions, Error};
use untorn_postgres::{Reconcile, Session, Transaction};

use super::call::{ask, run};
use super::reconcile::PostgresTurn;
use super::session::PostgresSession;
use crate::argument::{Data, Text};
use crate::call::Wait;
use crate::dropped::dropped_in_use;
use crate::error::check;
use crate::rewrite::copied;
use crate::slot::Slot;
use crate::timeout::Timeout;
use crate::transaction::contents;

/// The base of `untorn.postgres.Transaction`.
#[pyclass(subclass, frozen, weakref, module = "untorn._untorn")]
pub struct PostgresTransaction {
    name: PathBuf,
    /// `None`: that of a turn, which has begun.
    session: Option<Arc<Session>>,
    slot: Slot<Begun>,
}

enum Begun {
    Transaction(Box<Transaction>),
    /// The transaction of a reconciliation, which ends with it.
    Turn(Box<Reconcile>),
}

impl Begun {
    fn transaction(&mut self) -> Result<&mut Transaction, Error> {
        match self {
            Begun::Transaction(transaction) => Ok(transaction),
            Begun::Turn(turn) => turn.transaction(),
        }
    }

    fn commit(&mut self, call: &CallOptions<'_>) -> Result<(), Error> {
        match self {
            Begun::Transaction(transaction) => transaction.commit_with(call),
            Begun::Turn(turn) => turn.commit_with(call).map(drop),
        }
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        if !self.slot.is_empty() {
            dropped_in_use(&format!(
                "the transaction in {} was open when it was dropped, and is rolled back: commit it, or use `with`",
                self.name.display()
            ));
        }
    }
}

impl PostgresTransaction {
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        operation: &'static str,
        work: impl FnOnce(&mut Transaction, &CallOptions<'_>) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        let patience = Wait::new(Timeout::Handles, None);
        run(py, &self.name, patience, |call| {
            self.slot.with(operation, &self.name, |begun| {
                work(begun.transaction()?, call)
            })
        })
    }
}

#[pymethods]
impl PostgresTransaction {
    #[new]
    fn new(py: Python<'_>, origin: &Bound<'_, PyAny>) -> PyResult<PostgresTransaction> {
        if let Ok(turn) = origin.cast::<PostgresTurn>() {
            let turn = turn.get();
            let begun = check(py, turn.take())?;
            return Ok(PostgresTransaction {
                name: turn.name().to_owned(),
                session: None,
                slot: Slot::new(Begun::Turn(begun)),
            });
        }
        let session = origin.cast::<PostgresSession>()?.get().core();
        Ok(PostgresTransaction {
            name: session.name().to_owned(),
            session: Some(Arc::clone(session)),
            slot: Slot::empty(),
        })
    }

    fn _begin(&self, py: Python<'_>) -> PyResult<()> {
        let begun = match &self.session {
            Some(session) => session.transaction(),
            None => Err(Error::invalid_argument(
                "begin",
                &self.name,
                "the transaction has already begun",
            )),
        };
        self.slot
            .put(Begun::Transaction(Box::new(check(py, begun)?)));
        Ok(())
    }

    fn _load<'py>(
        &self,
        py: Python<'py>,
        name: Text,
    ) -> PyResult<Option<(Bound<'py, PyBytes>, String)>> {
        self.with(py, "load", |tx, call| tx.load_with(&name, call))
            .map(|found| contents(py, found))
    }

    fn _save(&self, py: Python<'_>, name: Text, data: Data<'_>) -> PyResult<String> {
        let data = data.bytes();
        self.with(py, "save", |tx, _| tx.save(&name, data))
            .map(|version| version.to_string())
    }

    fn _create(&self, py: Python<'_>, name: Text, data: Data<'_>) -> PyResult<String> {
        let data = data.bytes();
        self.with(py, "create", |tx, _| tx.create(&name, data))
            .map(|version| version.to_string())
    }

    fn _append(&self, py: Python<'_>, name: Text, records: &Bound<'_, PyList>) -> PyResult<()> {
        let records = copied(records)?;
        self.with(py, "append", |tx, _| tx.append(&name, &records))
    }

    fn _set_header(&self, py: Python<'_>, name: Text, header: Data<'_>) -> PyResult<()> {
        let header = header.bytes();
        self.with(py, "set_header", |tx, call| {
            tx.set_header_with(&name, header, call)
        })
    }

    fn _remove(&self, py: Python<'_>, name: Text) -> PyResult<bool> {
        self.with(py, "remove", |tx, call| tx.remove_with(&name, call))
    }

    /// Makes all the changes, or none; then the transaction is over.
    fn commit(&self, py: Python<'_>) -> PyResult<()> {
        let patience = Wait::new(Timeout::Handles, None);
        let result = run(py, &self.name, patience, |call| {
            self.slot
                .with("commit", &self.name, |begun| begun.commit(call))
        });
        // It has sent all that it had to send.
        py.detach(|| drop(self.slot.take()));
        result
    }

    /// Ends the transaction without a change. A second call, or a call after the
    /// commit, does nothing.
    fn rollback(&self, py: Python<'_>) -> PyResult<()> {
        ask(py, &self.name, || {
            if let Some(Begun::Turn(mut turn)) = self.slot.take() {
                turn.discard();
            }
            Ok(())
        })
    }

    /// Whether it has begun and is not over.
    #[getter]
    fn open(&self) -> bool {
        !self.slot.is_empty()
    }

    /// The session's name in messages: schema and key. It is not a path of this machine.
    #[getter]
    fn dir(&self) -> PathBuf {
        self.name.clone()
    }
}
