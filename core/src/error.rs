//! One error type, one list of kinds, the same code in every language.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::holder::Holder;
use crate::position::Position;
use crate::sys::{Named, Rewritten};

pub use crate::error_kind::ErrorKind;

/// The result of every call in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A failed call. It names the operation, the file, the system's answer, the
/// lock's holder, and the possible remedy.
///
/// Its `Debug` form is the message too: `fn main() -> Result<(), untorn::Error>`
/// prints that one.
///
/// ```
/// use untorn::{ErrorKind, Journal};
///
/// let error = Journal::open("no/such/directory/j.jsonl").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert_eq!(error.operation(), "open");
/// assert!(error.to_string().contains("does not exist"));
/// ```
#[derive(Clone, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Details>);

#[derive(Clone, Debug)]
struct Details {
    kind: ErrorKind,
    operation: &'static str,
    path: PathBuf,
    os_code: Option<i32>,
    detail: String,
    holder: Option<Holder>,
    position: Option<Position>,
    /// The caller's own error, of a function that it gave.
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error of this library's own.
    pub(crate) fn new(
        kind: ErrorKind,
        operation: &'static str,
        path: &Path,
        detail: impl Into<String>,
    ) -> Error {
        Error(Box::new(Details {
            kind,
            operation,
            path: path.to_owned(),
            os_code: None,
            detail: detail.into(),
            holder: None,
            position: None,
            source: None,
        }))
    }

    /// Makes an error from the operating system's answer.
    pub(crate) fn os(operation: &'static str, path: &Path, error: io::Error) -> Error {
        let kind = match Rewritten::is(&error) {
            true => ErrorKind::Conflict,
            false => ErrorKind::of(&error),
        };
        let mut made = Error::new(kind, operation, path, "");
        let named = Named::of(&error).and_then(|named| named.source.raw_os_error());
        made.0.os_code = error.raw_os_error().or(named);
        made.0.detail = error.to_string();
        made
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Error {
        self.0.kind = kind;
        self
    }

    /// Adds its meaning, or a remedy, after the system's answer.
    pub(crate) fn hint(mut self, hint: impl AsRef<str>) -> Error {
        if !self.0.detail.is_empty() {
            self.0.detail.push_str("; ");
        }
        self.0.detail.push_str(hint.as_ref());
        self
    }

    pub(crate) fn held_by(mut self, holder: Option<Holder>) -> Error {
        self.0.holder = holder;
        self
    }

    pub(crate) fn at(mut self, position: Position) -> Error {
        self.0.position = Some(position);
        self
    }

    /// Adds the error of a function of the caller's, as the source.
    pub(crate) fn caused_by(mut self, source: Box<dyn std::error::Error + Send + Sync>) -> Error {
        self.0.source = Some(Arc::from(source));
        self
    }

    /// For bindings whose event loop keeps the time: makes the error of a call
    /// that waited longer than `limit`. `holder`: see [`crate::holder()`].
    #[doc(hidden)]
    pub fn lock_timeout(
        operation: &'static str,
        path: &Path,
        limit: Duration,
        holder: Option<Holder>,
    ) -> Error {
        let detail = format!("the lock was not free within {limit:?}; nothing was changed");
        Error::new(ErrorKind::LockTimeout, operation, path, detail).held_by(holder)
    }

    /// For bindings: makes the error of a call that tries only once and would
    /// queue behind others of this process. `holder`: see [`crate::holder()`].
    #[doc(hidden)]
    pub fn busy(operation: &'static str, path: &Path, holder: Option<Holder>) -> Error {
        let detail = "the lock is held, or other calls of this process wait for it already; \
                      nothing was changed";
        Error::new(ErrorKind::Locked, operation, path, detail).held_by(holder)
    }

    /// For bindings whose calls [`crate::tasks`] carries out: makes the
    /// error of a thread that can't be started.
    #[doc(hidden)]
    pub fn no_thread(operation: &'static str, path: &Path, error: io::Error) -> Error {
        Error::os(operation, path, error).hint("no thread could be started for it")
    }

    /// For bindings: makes the error of an invalid argument.
    #[doc(hidden)]
    pub fn invalid_argument(
        operation: &'static str,
        path: &Path,
        detail: impl Into<String>,
    ) -> Error {
        Error::new(ErrorKind::InvalidArgument, operation, path, detail)
    }

    /// For bindings: makes the error of bytes or a value that can't be a
    /// record.
    #[doc(hidden)]
    pub fn invalid_record(
        operation: &'static str,
        path: &Path,
        detail: impl Into<String>,
    ) -> Error {
        Error::new(ErrorKind::InvalidRecord, operation, path, detail)
    }

    /// For bindings: makes the error of an event that should be impossible.
    #[doc(hidden)]
    pub fn internal(operation: &'static str, path: &Path, detail: impl Into<String>) -> Error {
        Error::new(ErrorKind::Internal, operation, path, detail)
    }

    /// For bindings: makes the error of a call that was cancelled before it
    /// began.
    #[doc(hidden)]
    pub fn cancelled(operation: &'static str, path: &Path) -> Error {
        Error::new(
            ErrorKind::Cancelled,
            operation,
            path,
            "cancelled by the caller; nothing was changed",
        )
    }

    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the word for the operation: `"append"`, `"save"`, `"lock"`.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// Returns the file that it is about.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns the operating system's error number, if it gave one.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.0.os_code
    }

    /// Returns the holder of the lock, if it can be known. It is set for
    /// [`ErrorKind::LockTimeout`] and [`ErrorKind::Locked`].
    pub fn holder(&self) -> Option<&Holder> {
        self.0.holder.as_ref()
    }

    /// Returns a place in the journal. For [`ErrorKind::Conflict`] it is the
    /// actual end, for [`ErrorKind::LimitExceeded`] the place that was reached.
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// By hand: the derived one would hand out the `Arc`, which is not the caller's type.
impl std::error::Error for Details {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)?;
        // It is empty if a binding was given no path, or no handle.
        if !self.path.as_os_str().is_empty() {
            write!(f, " {}", self.path.display())?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if let Some(holder) = &self.holder {
            write!(f, "; held by {holder}")?;
        }
        Ok(())
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::new(error.kind().io(), error)
    }
}
