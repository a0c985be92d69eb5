//! A second process that follows orders on one file, for tests of the file
//! system itself.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::sys;

/// An order to the second process about the file it has open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Try once to lock it.
    TryExclusive,
    TryShared,
    /// Wait for its lock.
    AwaitExclusive,
    Unlock,
    /// Create the other file, which must be missing.
    Create,
    /// Remove it.
    Remove,
}

/// The result of an order.
#[derive(Debug)]
#[cfg_attr(windows, expect(dead_code, reason = "no process answers there"))]
pub(crate) enum Answer {
    Done,
    /// Another process has it.
    Busy,
    Failed(io::Error),
}

/// The second process; it ends when this is dropped.
pub(crate) struct Child(sys::child::Child);

impl Child {
    /// Starts a process that opens `file`; `other` is a name for `Create`.
    /// Fails with `Unsupported` on systems that need a program for a process.
    pub fn start(file: &Path, other: &Path) -> io::Result<Child> {
        sys::child::Child::start(file, other).map(Child)
    }

    pub fn tell(&mut self, order: Order) -> io::Result<()> {
        self.0.tell(order)
    }

    /// Returns the answer to the last order. Fails with `TimedOut` if none
    /// comes in time.
    pub fn hear(&mut self, timeout: Duration) -> io::Result<Answer> {
        self.0.hear(timeout)
    }

    /// Kills it, since nothing else ends it, and waits until it has ended.
    pub fn kill(self) -> io::Result<()> {
        self.0.kill()
    }
}
