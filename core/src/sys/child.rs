//! A second process that does what it is told with one file, for tests of the
//! file system itself.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::sys;

/// What the second process is told to do with the file it has open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Try once to lock it.
    TryExclusive,
    TryShared,
    /// Wait for its lock.
    AwaitExclusive,
    Unlock,
    /// Create the other file, which must not be there.
    Create,
    /// Remove it.
    Remove,
}

/// What came of it.
#[derive(Debug)]
#[cfg_attr(windows, expect(dead_code, reason = "no process answers there"))]
pub(crate) enum Answer {
    Done,
    /// Another has it.
    Busy,
    Failed(io::Error),
}

/// The second process; it ends when this is dropped.
pub(crate) struct Child(sys::child::Child);

impl Child {
    /// Starts a process that opens `file`; `other` is a name for `Create`.
    /// `Unsupported` where a process can't be had without a program for it.
    pub fn start(file: &Path, other: &Path) -> io::Result<Child> {
        sys::child::Child::start(file, other).map(Child)
    }

    pub fn tell(&mut self, order: Order) -> io::Result<()> {
        self.0.tell(order)
    }

    /// The answer to the order before; `TimedOut` if there is none by then.
    pub fn hear(&mut self, timeout: Duration) -> io::Result<Answer> {
        self.0.hear(timeout)
    }

    /// Kills it, as nothing else ends it, and waits until it has ended.
    pub fn kill(self) -> io::Result<()> {
        self.0.kill()
    }
}
