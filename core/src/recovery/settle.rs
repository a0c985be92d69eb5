//! Settles what the last holder of a lock left unfinished.

use std::path::Path;

use super::block::clear_pending;
use super::pending::{Pending, read_pending};
use super::transaction::{self, Id};
use super::{append, header, overwrite, rewrite};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{self, EventKind};
use crate::lockfile::is_cleared;
use crate::oslock::LockFile;
use crate::process::Process;
use crate::temporary;

/// The result of settling.
pub(crate) enum Recovered {
    Done,
    /// The transaction of this number must be settled, without this lock.
    Transaction(Id),
    /// The lock is reserved for this other process, so it must be released
    /// again.
    Reserved(Process),
}

/// Returns whether the lock file holds something that must be settled first.
/// The lock file is longer than [`crate::lockfile::IDLE`]. If not, any process
/// that may write it can cut it, and none has to.
pub(crate) fn is_due(lock: LockFile<'_>) -> Result<bool> {
    let os_error = |error| Error::os("recover", lock.path(), error);
    if !lock.is_ours().map_err(os_error)? {
        // Another program's file that only happens to have this name. To lock
        // it does no harm; to write to it would.
        return Ok(false);
    }
    let file = lock.file().map_err(os_error)?;
    Ok(match read_pending(file).map_err(os_error)? {
        // Nothing was begun. A process that may write it sweeps the prepared
        // files.
        None => lock.is_writable() && !is_cleared(file).map_err(os_error)?,
        // A void reservation is void for the next locker too.
        Some(Pending::Reserved(reservation)) => reservation.stands(),
        // Only a file that carries its own lock is ever written in place, and
        // its record is elsewhere.
        Some(Pending::Overwrite(_)) => lock.data().is_some(),
        Some(_) => true,
    })
}

/// Settles what is pending. The caller must hold the exclusive lock and have
/// done nothing else under it. The lock file is longer than
/// [`crate::lockfile::IDLE`].
pub(crate) fn settle(lock: LockFile<'_>, target: &Path) -> Result<Recovered> {
    let os_error = |error| Error::os("recover", lock.path(), error);
    let due = is_due(lock)?;
    if !due && (!lock.is_writable() || !lock.is_ours().map_err(os_error)?) {
        return Ok(Recovered::Done);
    }
    let file = lock.file().map_err(os_error)?;
    let pending = read_pending(file).map_err(os_error)?;
    if let Some(Pending::Reserved(reservation)) = &pending
        && due
    {
        return Ok(Recovered::Reserved(reservation.to.clone()));
    }
    if !lock.is_writable() {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            "recover",
            lock.path(),
            "a change was cut off here by a crash, and to settle it this lock file must be writable",
        ));
    }
    let change = match &pending {
        Some(Pending::Stamp(_)) => Some("it was a header stamp"),
        Some(Pending::Overwrite(_)) => Some("it was a save in place"),
        Some(Pending::Rewrite(_)) => Some("it was a rewrite of the journal"),
        _ => None,
    };
    let change = change.filter(|_| due);
    match pending {
        _ if !due => {}
        // The record itself was cut short. Nothing was begun, or it would have
        // replaced another record, whose temporary may exist.
        None => temporary::sweep_again(target),
        // The lock is ours now, or the successor has died: not due.
        Some(Pending::Reserved(_)) => {}
        Some(Pending::Append(pending)) => append::undo(file, target, &pending)?,
        Some(Pending::Stamp(pending)) => header::settle(file, target, &pending)?,
        Some(Pending::Overwrite(pending)) => overwrite::settle(lock, target, &pending)?,
        Some(Pending::Rewrite(pending)) => rewrite::settle(lock, target, &pending)?,
        Some(Pending::Member(mark)) => {
            if let Some(id) = transaction::look(lock.path(), mark)? {
                return Ok(Recovered::Transaction(id));
            }
        }
        Some(Pending::Unknown(kind)) => {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "recover",
                lock.path(),
                format!(
                    "a change of kind {kind} was cut off here, which this version does not know: \
                     let the newer version that began it settle it; nothing was changed"
                ),
            ));
        }
    }
    clear_pending(file).map_err(os_error)?;
    if due {
        // A power cut must not bring the record back. What is written from now on could
        // look like a part of the change.
        file.sync_data().map_err(os_error)?;
    }
    if let Some(what) = change {
        events::emit(EventKind::Recovered, "recover", target, |event| {
            event.detail = Some(what.to_owned());
        });
    }
    Ok(Recovered::Done)
}
