//! A directory that is made with the first lock in it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::oslock::WaitPolicy;
use crate::sys;

type Make = dyn Fn(&'static str, &WaitPolicy<'_>) -> Result<()> + Send + Sync;

/// Makes the directory of a file, once. If it is removed later, it stays
/// removed. Clones share their state.
#[derive(Clone)]
pub(crate) struct Home(Arc<Inner>);

struct Inner {
    is_there: AtomicBool,
    make: Box<Make>,
}

impl Home {
    pub fn new(
        make: impl Fn(&'static str, &WaitPolicy<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Home {
        Home(Arc::new(Inner {
            is_there: AtomicBool::new(false),
            make: Box::new(make),
        }))
    }

    /// Returns whether the directory never existed, as far as this handle
    /// knows.
    pub fn is_awaited(&self) -> bool {
        !self.0.is_there.load(Ordering::Acquire)
    }

    /// Returns whether nothing exists at this file's path yet.
    pub fn is_missing(&self, operation: &'static str, file: &Path) -> Result<bool> {
        let os_error = |error| Error::os(operation, file, error);
        let dir = file.parent().unwrap_or(file);
        Ok(self.is_awaited() && sys::stat(dir).map_err(os_error)?.is_none())
    }

    pub fn make(&self, operation: &'static str, wait: &WaitPolicy<'_>) -> Result<()> {
        (self.0.make)(operation, wait)
    }

    /// Notes that something in the directory was opened.
    pub fn found(&self) {
        self.0.is_there.store(true, Ordering::Release);
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Home").field(&self.is_awaited()).finish()
    }
}
