//! `untorn.Lease`.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;

use crate::argument::Instance;
use crate::call::plain;
use crate::dropped::dropped_in_use;
use crate::error::make_holder;
use crate::process::Process;

/// A session's lease: no other process owns the session until the lease is
/// released or its process dies.
///
/// `session.claim(label)` returns it. Use it as a context manager, or call
/// `release`.
#[pyclass(module = "untorn", frozen, weakref)]
pub struct Lease(Arc<untorn::Lease>);

impl Lease {
    pub fn new(lease: untorn::Lease) -> Lease {
        Lease(Arc::new(lease))
    }

    pub fn core(&self) -> &Arc<untorn::Lease> {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if Arc::strong_count(&self.0) == 1 && self.0.is_held() {
            dropped_in_use(&format!(
                "the session {} was owned when its Lease was dropped, and is released: release it, or use `with`",
                self.0.path().display()
            ));
        }
    }
}

#[pymethods]
impl Lease {
    /// This process, as others see it.
    #[getter]
    fn holder<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        make_holder(py, self.0.holder())
    }

    /// The previous owner, if it died without releasing the session; else `None`.
    #[getter]
    fn previous<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let previous = self.0.previous();
        previous.map(|holder| make_holder(py, holder)).transpose()
    }

    /// The session's directory.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// Whether this process still holds it.
    #[getter]
    fn held(&self, py: Python<'_>) -> bool {
        py.detach(|| self.0.is_held())
    }

    /// Releases the session. A second call does nothing, nor does a call in a
    /// forked child, where the lease is the parent's.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        plain(py, self.0.path(), || self.0.release())
    }

    /// Hands the session over to another process of this machine, its successor,
    /// and releases it. The successor claims it. No other process gets it until
    /// the successor has claimed it or has ended.
    fn transfer(&self, py: Python<'_>, to: Instance<'_, '_, Process>) -> PyResult<()> {
        let heir = &to.get().0;
        plain(py, self.0.path(), || self.0.transfer(heir))
    }

    /// The same as `release`; every handle has `close`.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.release(py)
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (exc_type, exc_value, traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        exc_type: &Bound<'_, PyAny>,
        exc_value: &Bound<'_, PyAny>,
        traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let _ = (exc_type, exc_value, traceback);
        self.release(py)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let held = if self.held(py) { ", held" } else { "" };
        format!("<untorn.Lease '{}'{held}>", self.0.path().display())
    }
}
