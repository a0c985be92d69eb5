//! A turn to reconcile a session after a dead owner.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use untorn::{Error, Holder};
use untorn_postgres::{Reconcile, ReconcileStart};

use super::call::ask;
use crate::error::make_holder;
use crate::reconcile::outcome;

/// The last owner is dead, and this process reconciles the session, until the
/// transaction that is made of this ends.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct PostgresTurn {
    name: PathBuf,
    owner: Option<Holder>,
    turn: Mutex<Option<Box<Reconcile>>>,
}

impl PostgresTurn {
    /// Returns the session's name in messages.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Takes the reconciliation, once.
    pub fn take(&self) -> Result<Box<Reconcile>, Error> {
        let turn = self
            .turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        turn.ok_or_else(|| Error::internal("reconcile", &self.name, "a turn is used twice"))
    }
}

#[pymethods]
impl PostgresTurn {
    #[getter]
    fn owner<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let owner = self.owner.as_ref();
        owner.map(|holder| make_holder(py, holder)).transpose()
    }

    /// Drops the turn.
    fn discard(&self, py: Python<'_>) -> PyResult<()> {
        ask(py, &self.name, || {
            if let Ok(mut turn) = self.take() {
                turn.discard();
            }
            Ok(())
        })
    }
}

/// Returns a `PostgresTurn`, or `(outcome, holder)`.
pub fn begun<'py>(
    py: Python<'py>,
    name: &Path,
    start: ReconcileStart,
) -> PyResult<Bound<'py, PyAny>> {
    let (outcome, holder) = match start {
        ReconcileStart::Turn(turn) => {
            let turn = PostgresTurn {
                name: name.to_owned(),
                owner: turn.owner().cloned(),
                turn: Mutex::new(Some(turn)),
            };
            return turn.into_bound_py_any(py);
        }
        ReconcileStart::Not(why) => outcome(py, &why)?,
    };
    (outcome, holder).into_bound_py_any(py)
}
