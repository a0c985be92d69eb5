//! Sleeping until a file changes or a process ends, where the system tells.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::seam::{Op, announce};
use super::sys;

/// A watch over one file, and over one process.
pub(crate) struct Watch(sys::watch::Watch);

/// Ends the sleep of whoever waits for a [`Watch`], from any thread.
pub(crate) struct Waker(sys::watch::Waker);

impl Watch {
    /// Watches the file that has this name now: that it is written to, that its
    /// attributes change, that it loses the name. `None` where the system does
    /// not tell of such things; `NotFound` if there is no such file.
    pub fn new(file: &Path, process: Option<u32>) -> io::Result<Option<Watch>> {
        announce(Op::Open, Some(file))?;
        Ok(sys::watch::Watch::new(file, process)?.map(Watch))
    }

    /// Watches what has this name by now, and another process, instead.
    pub fn renew(&mut self, file: &Path, process: Option<u32>) -> io::Result<()> {
        announce(Op::Open, Some(file))?;
        self.0.renew(file, process)
    }

    /// Sleeps until something happens or the time is up. It may also return
    /// for no reason.
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
