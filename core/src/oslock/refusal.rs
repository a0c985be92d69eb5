//! Why the lock was not taken, in words that say what to do.

use std::io;
use std::path::Path;

use super::caller::Within;
use super::find_holder;
use super::path_lock::PathLock;
use super::wait_policy::WaitPolicy;
use super::waiter::AcquireError;
use crate::error::{Error, ErrorKind};
use crate::holder::Holder;
use crate::sys;
use crate::target::no_directory;

impl PathLock {
    #[cold]
    pub(crate) fn refusal(
        &self,
        operation: &'static str,
        why: AcquireError,
        wait: &WaitPolicy<'_>,
    ) -> Error {
        let new = |kind, detail: String| Error::new(kind, operation, &self.target, detail);
        match why {
            AcquireError::Busy => {
                new(ErrorKind::Locked, "the lock is held".to_owned()).held_by(self.who())
            }
            AcquireError::TimedOut => new(
                ErrorKind::LockTimeout,
                format!(
                    "the lock was not free within {:?}",
                    wait.timeout.unwrap_or_default()
                ),
            )
            .held_by(self.who()),
            AcquireError::Cancelled => Error::cancelled(operation, &self.target),
            AcquireError::Deadlock(within) => new(
                ErrorKind::Deadlock,
                format!(
                    "this thread already holds the lock and would wait for itself; {}",
                    match within {
                        Some(Within::Update) => "inside update, change the value instead of saving",
                        Some(Within::Compact) =>
                            "inside compact, push the record instead of appending it",
                        Some(Within::Fold) =>
                            "inside a fold, return the records from `update`, or append them with the turn",
                        None => {
                            "pass the guard that holds it (`CallOptions::lock`), or release it first"
                        }
                    }
                ),
            ),
            AcquireError::System(error) => {
                let writable = self
                    .cached()
                    .as_ref()
                    .is_none_or(|process_lock| process_lock.writable);
                unsupported(operation, &self.lock_path, writable, error)
            }
        }
    }

    /// Returns the process that holds the lock.
    fn who(&self) -> Option<Holder> {
        find_holder::of_lock(&self.lock_path, &self.holder_path)
    }

    #[cold]
    pub(crate) fn refused_file(&self, operation: &'static str, error: io::Error) -> Error {
        let in_the_way = sys::InTheWay::of(&error).is_some();
        let made = Error::os(operation, &self.lock_path, error);
        if in_the_way && sys::list(&self.lock_path).is_ok() {
            return made.hint(
                "it is a directory, as another program's lock may be (proper-lockfile, mkdir): both \
                 programs must use one kind of lock, see docs/locking.md",
            );
        }
        if in_the_way {
            return made.hint("so it can't be the lock file");
        }
        match made.kind() {
            ErrorKind::NotFound if self.in_place.as_ref().is_some_and(|own| !own.create) => {
                made.hint("in the scheme in-place the lock is on the file itself, which is missing")
            }
            ErrorKind::NotFound => made.hint(no_directory(&self.lock_path)),
            ErrorKind::PermissionDenied if self.is_in_place() => made.hint(
                "in the scheme in-place the lock is on the file itself, which must be readable \
                 at least",
            ),
            ErrorKind::PermissionDenied => made.hint(
                "the lock file can't be created or opened; make the directory writable, or create \
                 a lock file that is readable",
            ),
            _ => made,
        }
    }
}

/// Makes the error of a failed lock call. `writable`: its descriptor can write.
#[cold]
fn unsupported(
    operation: &'static str,
    lock_path: &Path,
    writable: bool,
    error: io::Error,
) -> Error {
    if !sys::is_lock_unsupported(&error) {
        return Error::os(operation, lock_path, error);
    }
    if !writable && sys::is_bad_descriptor(&error) {
        // NFS turns it into a byte-range lock, and that needs a descriptor that
        // can write (man 2 flock).
        return Error::os(operation, lock_path, error)
            .with_kind(ErrorKind::PermissionDenied)
            .hint(
                "on this file system the exclusive lock needs a lock file that can be written; \
                 nothing was changed",
            );
    }
    let on = match sys::file_system(lock_path) {
        Some(name) => format!("this file system ({name})"),
        None => "this file system".to_owned(),
    };
    Error::os(operation, lock_path, error)
        .with_kind(ErrorKind::LockUnsupported)
        .hint(format!(
            "{on} does not lock files, or has no free locks; nothing was changed; \
             `on_unsupported=\"pid-file\"` uses lock files there instead"
        ))
}
