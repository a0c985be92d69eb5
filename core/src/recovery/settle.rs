//! Settles what the last holder of a lock left unfinished.

use std::path::Path;

use super::block::clear_pending;
use super::pending::{Pending, read_pending};
use super::transaction::{self, Id};
use super::{append, header, overwrite, rewrite};
use crate::error::{Error, ErrorKind, Result};
use crate::lockfile::is_cleared;
use crate::oslock::LockFile;
use crate::process::Process;
use crate::temporary;

/// What came of it.
pub(crate) enum Settled {
    Done,
    /// The transaction of this number is to be settled, without this lock.
    Transaction(Id),
    /// The lock is reserved for this process, which is not ours: it is to be let
    /// go again.
    Reserved(Process),
}

/// Whether something in the lock file, which is longer than [`crate::lockfile::IDLE`], is to
/// be settled before anything else. If not, whoever may write it cuts it, and
/// nobody has to.
pub(crate) fn is_due(lock: LockFile<'_>) -> Result<bool> {
    let told = |error| Error::os("recover", lock.path(), error);
    if !lock.is_ours().map_err(told)? {
        // Some other program's file that only happens to have this name:
        // locking it does no harm, writing to it would.
        return Ok(false);
    }
    let file = lock.file().map_err(told)?;
    Ok(match read_pending(file).map_err(told)? {
        // Nothing was begun. Who may write it sweeps what was made ready.
        None => lock.is_writable() && !is_cleared(file).map_err(told)?,
        // A void one is void for the next one too.
        Some(Pending::Reserved(reservation)) => reservation.stands(),
        // Only a file that is locked itself is ever written in place, and its
        // record is elsewhere.
        Some(Pending::Overwrite(_)) => lock.data().is_some(),
        Some(_) => true,
    })
}

/// To be called under the exclusive lock, before anything else, where the lock
/// file is longer than [`crate::lockfile::IDLE`].
pub(crate) fn settle(lock: LockFile<'_>, target: &Path) -> Result<Settled> {
    let told = |error| Error::os("recover", lock.path(), error);
    let due = is_due(lock)?;
    if !due && (!lock.is_writable() || !lock.is_ours().map_err(told)?) {
        return Ok(Settled::Done);
    }
    let file = lock.file().map_err(told)?;
    let pending = read_pending(file).map_err(told)?;
    if let Some(Pending::Reserved(reservation)) = &pending
        && due
    {
        return Ok(Settled::Reserved(reservation.to.clone()));
    }
    if !lock.is_writable() {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            "recover",
            lock.path(),
            "a change was cut off here by a crash, and to settle it this lock file must be writable",
        ));
    }
    match pending {
        _ if !due => {}
        // A record that was cut short itself: nothing was begun, or it was to
        // take another's place, whose temporary may be there.
        None => temporary::sweep_again(target),
        // The lock is ours now, or the heir has died: not due.
        Some(Pending::Reserved(_)) => {}
        Some(Pending::Append(pending)) => append::undo(file, target, &pending)?,
        Some(Pending::Stamp(pending)) => header::settle(file, target, &pending)?,
        Some(Pending::Overwrite(pending)) => overwrite::settle(lock, target, &pending)?,
        Some(Pending::Rewrite(pending)) => rewrite::settle(lock, target, &pending)?,
        Some(Pending::Member(mark)) => {
            if let Some(id) = transaction::look(lock.path(), mark)? {
                return Ok(Settled::Transaction(id));
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
    clear_pending(file).map_err(told)?;
    Ok(Settled::Done)
}
