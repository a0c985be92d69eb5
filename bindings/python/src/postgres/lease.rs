//! Leases that fence their owner.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use untorn_postgres::Lease;

use super::call::ask;
use super::ending;
use crate::argument::Instance;
use crate::call::forks;
use crate::dropped::dropped_in_use;
use crate::error::make_holder;
use crate::process::Process;

/// The base of `untorn.postgres.Lease`.
#[pyclass(frozen, weakref, module = "untorn._untorn")]
pub struct PostgresLease {
    lease: Lease,
    name: PathBuf,
    forks: u32,
}

impl PostgresLease {
    pub fn new(lease: Lease, name: &Path) -> PostgresLease {
        PostgresLease {
            lease,
            name: name.to_owned(),
            forks: forks(),
        }
    }

    /// Whether it is held, and by this process: in a forked child it is the parent's.
    fn is_held(&self) -> bool {
        self.forks == forks() && self.lease.is_held()
    }
}

impl Drop for PostgresLease {
    fn drop(&mut self) {
        if self.is_held() {
            dropped_in_use(&format!(
                "the session {} was owned when its Lease was dropped, and is released: release it, or use `with`",
                self.name.display()
            ));
        }
    }
}

#[pymethods]
impl PostgresLease {
    #[getter]
    fn _holder<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        make_holder(py, self.lease.holder())
    }

    #[getter]
    fn _previous<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let previous = self.lease.previous();
        previous.map(|holder| make_holder(py, holder)).transpose()
    }

    #[getter]
    fn _key(&self) -> &str {
        self.lease.key()
    }

    #[getter]
    fn _path(&self) -> PathBuf {
        self.name.clone()
    }

    #[getter]
    fn _token(&self) -> i64 {
        self.lease.token()
    }

    #[getter]
    fn _held(&self, py: Python<'_>) -> bool {
        py.detach(|| self.is_held())
    }

    /// Calls the function once the loss is known, on the thread that learns it.
    fn _on_lost(&self, py: Python<'_>, function: Py<PyAny>) {
        py.detach(|| {
            self.lease.on_lost(move || {
                ending::inside(|| {
                    Python::try_attach(|py| {
                        if let Err(error) = function.call0(py) {
                            error.write_unraisable(py, Some(function.bind(py)));
                        }
                    })
                });
            });
        });
    }

    fn _release(&self, py: Python<'_>) -> PyResult<()> {
        if self.forks != forks() {
            return Ok(());
        }
        ask(py, &self.name, || self.lease.release())
    }

    fn _transfer(&self, py: Python<'_>, to: Instance<'_, '_, Process>) -> PyResult<()> {
        let successor = &to.get().0;
        ask(py, &self.name, || self.lease.transfer(successor))
    }
}
