//! Transactions, as bytes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use untorn::{CallOptions, Error, Transaction, TransactionOptions, Version};

use crate::argument::{Data, Place, Text};
use crate::call::{Wait, plain, wait};
use crate::dropped::dropped_in_use;
use crate::error::check;
use crate::options;
use crate::reconcile::Turn;
use crate::rewrite::copied;
use crate::slot::Slot;
use crate::store::RawSession;
use crate::timeout::Timeout;

/// The base of `untorn.Transaction`.
#[pyclass(subclass, frozen, weakref, module = "untorn._untorn")]
pub struct RawTransaction {
    origin: Origin,
    timeout: Option<Duration>,
    slot: Arc<Slot<Begun>>,
}

/// Where and how it begins.
#[derive(Clone)]
pub struct Origin {
    pub dir: Arc<Path>,
    how: How,
}

#[derive(Clone)]
enum How {
    Directory(TransactionOptions),
    Session(Arc<untorn::Session>),
    /// It has begun already.
    Turn,
}

impl Origin {
    pub fn begin(&self, call: &CallOptions<'_>) -> untorn::Result<Begun> {
        let refuse =
            || Error::invalid_argument("begin", &self.dir, "the transaction has already begun");
        match &self.how {
            How::Directory(options) => options.clone().begin_with(&self.dir, call),
            How::Session(session) => session.transaction_with(call),
            How::Turn => Err(refuse()),
        }
        .map(|begun| Begun::Transaction(Box::new(begun)))
    }
}

/// A transaction that has begun.
pub enum Begun {
    Transaction(Box<Transaction>),
    /// The transaction of a reconciliation, which ends with it.
    Turn(Box<untorn::Reconcile>),
}

impl Begun {
    pub fn transaction(&mut self) -> untorn::Result<&mut Transaction> {
        match self {
            Begun::Transaction(transaction) => Ok(transaction),
            Begun::Turn(turn) => turn.transaction(),
        }
    }

    pub fn commit(&mut self, call: &CallOptions<'_>) -> untorn::Result<()> {
        match self {
            Begun::Transaction(transaction) => transaction.commit_with(call),
            Begun::Turn(turn) => turn.commit_with(call).map(drop),
        }
    }
}

impl Drop for RawTransaction {
    fn drop(&mut self) {
        // Other objects that share the slot still use it.
        if Arc::strong_count(&self.slot) == 1 && !self.slot.is_empty() {
            dropped_in_use(&format!(
                "the transaction in {} was open when it was dropped, and is rolled back: commit it, or use `with`",
                self.dir().display()
            ));
        }
    }
}

impl RawTransaction {
    pub fn parts(&self) -> (Origin, Option<Duration>, Arc<Slot<Begun>>) {
        (self.origin.clone(), self.timeout, Arc::clone(&self.slot))
    }

    fn dir(&self) -> &Path {
        &self.origin.dir
    }

    fn with<T: Send>(
        &self,
        py: Python<'_>,
        operation: &'static str,
        work: impl FnOnce(&mut Transaction) -> untorn::Result<T> + Send,
    ) -> PyResult<T> {
        plain(py, self.dir(), || {
            self.slot
                .with(operation, self.dir(), |begun| work(begun.transaction()?))
        })
    }
}

/// Converts bytes and version for Python.
pub fn contents<'py>(
    py: Python<'py>,
    found: Option<(Vec<u8>, Version)>,
) -> Option<(Bound<'py, PyBytes>, String)> {
    found.map(|(bytes, version)| (PyBytes::new(py, &bytes), version.to_string()))
}

#[pymethods]
impl RawTransaction {
    #[new]
    fn new(
        py: Python<'_>,
        origin: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<RawTransaction> {
        let made = |dir: &Path, how, timeout, begun: Option<Begun>| RawTransaction {
            origin: Origin {
                dir: dir.into(),
                how,
            },
            timeout,
            slot: Arc::new(begun.map_or_else(Slot::empty, Slot::new)),
        };
        if let Ok(session) = origin.cast::<RawSession>() {
            let session = session.get();
            let how = How::Session(Arc::clone(session.core()));
            return Ok(made(session.core().path(), how, session.timeout(), None));
        }
        if let Ok(turn) = origin.cast::<Turn>() {
            let turn = turn.get();
            let begun = check(py, turn.take())?;
            return Ok(made(
                turn.path(),
                How::Turn,
                turn.timeout(),
                Some(Begun::Turn(begun)),
            ));
        }
        let Place(dir) = origin.extract()?;
        let how = How::Directory(options::transaction(&dir, options)?);
        // It begins later, perhaps after a `chdir`.
        let dir = check(py, untorn::absolute(dir))?;
        Ok(made(&dir, how, options::timeout(options)?, None))
    }

    fn _begin(&self, py: Python<'_>) -> PyResult<()> {
        let patience = Wait::new(Timeout::Handles, None);
        let begun = wait(py, self.dir(), &patience, |call| self.origin.begin(call))?;
        self.slot.put(begun);
        Ok(())
    }

    fn _load<'py>(
        &self,
        py: Python<'py>,
        name: Text,
    ) -> PyResult<Option<(Bound<'py, PyBytes>, String)>> {
        let patience = Wait::new(Timeout::Handles, None);
        wait(py, self.dir(), &patience, |call| {
            self.slot.with("load", self.dir(), |tx| {
                tx.transaction()?.load_with(&name, call)
            })
        })
        .map(|found| contents(py, found))
    }

    fn _save(&self, py: Python<'_>, name: Text, data: Data<'_>) -> PyResult<String> {
        let data = data.bytes();
        self.with(py, "save", |tx| tx.save(&name, data))
            .map(|version| version.to_string())
    }

    fn _create(&self, py: Python<'_>, name: Text, data: Data<'_>) -> PyResult<String> {
        let data = data.bytes();
        self.with(py, "create", |tx| tx.create(&name, data))
            .map(|version| version.to_string())
    }

    fn _append(&self, py: Python<'_>, name: Text, records: &Bound<'_, PyList>) -> PyResult<()> {
        let records = copied(records)?;
        self.with(py, "append", |tx| tx.append(&name, &records))
    }

    fn _set_header(&self, py: Python<'_>, name: Text, header: Data<'_>) -> PyResult<()> {
        let patience = Wait::new(Timeout::Handles, None);
        let header = header.bytes();
        wait(py, self.dir(), &patience, |call| {
            self.slot.with("set_header", self.dir(), |tx| {
                tx.transaction()?.set_header_with(&name, header, call)
            })
        })
    }

    fn _remove(&self, py: Python<'_>, name: Text) -> PyResult<bool> {
        let patience = Wait::new(Timeout::Handles, None);
        wait(py, self.dir(), &patience, |call| {
            self.slot.with("remove", self.dir(), |tx| {
                tx.transaction()?.remove_with(&name, call)
            })
        })
    }

    /// Makes all the changes, or none; then the transaction is over.
    fn commit(&self, py: Python<'_>) -> PyResult<()> {
        let patience = Wait::new(Timeout::Handles, None);
        let result = wait(py, self.dir(), &patience, |call| {
            self.slot.with("commit", self.dir(), |tx| tx.commit(call))
        });
        self.rollback(py);
        result
    }

    /// Ends the transaction without a change. A second call, or a call after the
    /// commit, does nothing.
    fn rollback(&self, py: Python<'_>) {
        py.detach(|| drop(self.slot.take()));
    }

    /// Whether it has begun and is not over.
    #[getter]
    fn open(&self) -> bool {
        !self.slot.is_empty()
    }

    /// The directory that was passed, as an absolute path.
    #[getter(dir)]
    fn given_dir(&self) -> PathBuf {
        self.dir().to_owned()
    }
}
