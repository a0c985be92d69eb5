//! Sleeps until a file changes or a process ends, if the system reports it.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::seam::{Op, announce};
use super::sys;

/// A watch over one file, and over one process.
pub(crate) struct Watch(sys::watch::Watch);

/// Ends the sleep in a [`Watch`], from any thread.
pub(crate) struct Waker(sys::watch::Waker);

impl Watch {
    /// Watches the file that has this name now. It sees a write, a change of
    /// attributes, and the loss of the name. Returns `None` if the system does
    /// not report these. Fails with `NotFound` if the file is missing.
    pub fn new(file: &Path, process: Option<u32>) -> io::Result<Option<Watch>> {
        announce(Op::Open, Some(file))?;
        Ok(sys::watch::Watch::new(file, process)?.map(Watch))
    }

    /// Watches the file that has this name now, and another process, instead.
    pub fn renew(&mut self, file: &Path, process: Option<u32>) -> io::Result<()> {
        announce(Op::Open, Some(file))?;
        self.0.renew(file, process)
    }

    /// Sleeps until an event comes or the time is up. It may also return for no
    /// reason.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.wait(timeout)
    }

    pub fn waker(&self) -> Waker {
        Waker(self.0.waker())
    }
}

impl Waker {
    pub fn wake(&self) {
        self.0.wake();
    }
}
