//! Cleanup after a session's owner that died.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use untorn::{Error, Holder, Reconcile, ReconcileStart, Reconciled};

use crate::error::make_holder;

/// The last owner is dead, and this process reconciles the session, until the
/// transaction that is made of this ends.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct Turn {
    path: PathBuf,
    timeout: Option<Duration>,
    owner: Option<Holder>,
    turn: Mutex<Option<Box<Reconcile>>>,
}

impl Turn {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub fn take(&self) -> untorn::Result<Box<Reconcile>> {
        let turn = self
            .turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        turn.ok_or_else(|| Error::internal("reconcile", &self.path, "a turn is used twice"))
    }
}

#[pymethods]
impl Turn {
    #[getter]
    fn owner<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let owner = self.owner.as_ref();
        owner.map(|holder| make_holder(py, holder)).transpose()
    }

    /// Drops the turn.
    fn discard(&self, py: Python<'_>) {
        py.detach(|| drop(self.take()));
    }
}

/// Returns a `Turn`, or `(outcome, holder)`.
pub fn begun<'py>(
    py: Python<'py>,
    path: &Path,
    timeout: Option<Duration>,
    begun: ReconcileStart,
) -> PyResult<Bound<'py, PyAny>> {
    let (outcome, holder) = match begun {
        ReconcileStart::Turn(turn) => {
            let turn = Turn {
                path: path.to_owned(),
                timeout,
                owner: turn.owner().cloned(),
                turn: Mutex::new(Some(turn)),
            };
            return turn.into_bound_py_any(py);
        }
        ReconcileStart::Not(why) => outcome(py, &why)?,
    };
    (outcome, holder).into_bound_py_any(py)
}

/// Returns the word for why it is not this call's turn, and the owner that lives.
pub fn outcome<'py>(
    py: Python<'py>,
    why: &Reconciled,
) -> PyResult<(&'static str, Option<Bound<'py, PyAny>>)> {
    Ok(match why {
        Reconciled::NoChange => ("no_change", None),
        Reconciled::Busy => ("busy", None),
        Reconciled::Alive(holder) => ("alive", Some(make_holder(py, holder)?)),
        Reconciled::Done => ("done", None),
    })
}
