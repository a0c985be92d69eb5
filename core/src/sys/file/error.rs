//! Errors of files that this library tells from others.

use std::fmt;
use std::io;

use crate::sys::sys;

/// The obstacle at the name of a file that could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InTheWay {
    Link,
    NoRegularFile,
    NoName,
}

impl InTheWay {
    pub fn into_error(self) -> io::Error {
        let kind = match self {
            InTheWay::Link => io::ErrorKind::PermissionDenied,
            InTheWay::NoRegularFile | InTheWay::NoName => io::ErrorKind::InvalidInput,
        };
        io::Error::new(kind, self)
    }

    /// Returns the obstacle if it is why an open failed.
    pub fn of(error: &io::Error) -> Option<InTheWay> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl std::error::Error for InTheWay {}

impl fmt::Display for InTheWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InTheWay::Link => {
                "this name is a symbolic link now, which is not followed: another user may have \
                 planted it; if not, open the file again"
            }
            InTheWay::NoRegularFile => "not a regular file",
            InTheWay::NoName => {
                "the file has no name: it was removed, or never had one (a pipe, memory), and \
                 nothing can lie next to it"
            }
        })
    }
}

/// An error of a call that the system may not know, or may refuse. It names the
/// call, since the operation does not show it.
#[derive(Debug)]
pub(crate) struct Named {
    call: &'static str,
    pub source: io::Error,
}

impl Named {
    /// Windows has no call that is made only where the system knows it.
    #[cfg(unix)]
    pub fn error(call: &'static str, source: io::Error) -> io::Error {
        io::Error::new(source.kind(), Named { call, source })
    }

    pub fn of(error: &io::Error) -> Option<&Named> {
        error.get_ref()?.downcast_ref()
    }
}

impl std::error::Error for Named {}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.source)
    }
}

/// Says that the bytes that were read so far are of another generation.
#[derive(Debug)]
pub(crate) struct Rewritten;

impl Rewritten {
    pub fn error() -> io::Error {
        io::Error::other(Rewritten)
    }

    pub fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Rewritten>())
    }
}

impl std::error::Error for Rewritten {}

impl fmt::Display for Rewritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the journal was rewritten while it was read; read it again")
    }
}

/// Returns whether this error of a lock call means that the file system does
/// not lock at all.
pub(crate) fn is_lock_unsupported(error: &io::Error) -> bool {
    sys::lock::is_unsupported(error)
}

/// Returns whether this error of a lock call means that the file system never
/// has locks. `ENOLCK` may pass.
pub(crate) fn is_without_locks(error: &io::Error) -> bool {
    sys::lock::is_without_locks(error)
}

/// Returns whether a call failed because the descriptor does not suit it.
pub(crate) fn is_bad_descriptor(error: &io::Error) -> bool {
    sys::lock::is_bad_descriptor(error)
}

/// Returns whether a call failed because the server no longer has the file
/// (NFS).
pub(crate) fn is_stale(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StaleNetworkFileHandle
}
