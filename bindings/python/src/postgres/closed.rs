//! Whether a journal of the store was closed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use untorn::Error;

use crate::error::check;

/// Whether the handle was closed. Its folds ask that, too.
#[derive(Clone, Default)]
pub struct Closed(Arc<AtomicBool>);

impl Closed {
    pub fn check(&self, py: Python<'_>, operation: &'static str, name: &Path) -> PyResult<()> {
        let refuse = || Error::invalid_argument(operation, name, "the journal is closed");
        check(py, if self.is() { Err(refuse()) } else { Ok(()) })
    }

    pub fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
