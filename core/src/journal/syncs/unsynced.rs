//! Says why something may not be durable.

use std::io;

use crate::error::{Error, ErrorKind};
use crate::journal::shared::Shared;

/// Says why something may not be durable. The handle is poisoned.
pub(crate) enum Unsynced {
    Failed(io::Error),
    /// Another thread's sync failed, and that thread got the system's error.
    Elsewhere,
}

impl Unsynced {
    /// Returns the error of a change that is made; `done` names the change.
    pub fn after(self, shared: &Shared, operation: &'static str, done: &str) -> Error {
        self.os_error(shared, operation)
            .with_kind(ErrorKind::NotDurable)
            .hint(format!(
                "{done}, but a power cut may lose it; reopen the journal to go on"
            ))
    }

    /// Returns the error of a change that this prevented. `NOT_DURABLE` would say that
    /// it is made.
    pub fn before(self, shared: &Shared, operation: &'static str, undone: &str) -> Error {
        self.os_error(shared, operation).hint(format!(
            "{undone}; records that are in it already may not be durable, so reopen the journal to \
             go on"
        ))
    }

    fn os_error(self, shared: &Shared, operation: &'static str) -> Error {
        match self {
            Unsynced::Failed(error) => Error::os(operation, &shared.path, error),
            Unsynced::Elsewhere => Error::new(
                ErrorKind::Io,
                operation,
                &shared.path,
                "another thread's sync failed",
            ),
        }
    }
}
