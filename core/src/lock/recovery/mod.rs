//! Settles what the last holder of a lock left unfinished: one file a kind.

mod append;
mod overwrite;
mod rewrite;
mod stamp;
pub(crate) mod transaction;

use std::path::Path;

use super::at_hand::LockFile;
use super::record::{self, Pending};
use crate::error::{Error, ErrorKind, Result};
use crate::process::Process;
use crate::temporary;

/// What came of it.
pub(super) enum Settled {
    Done,
    /// The transaction of this number is to be settled, without this lock.
    Transaction(transaction::Id),
    /// The lock is reserved for this process, which is not ours: it is to be let
    /// go again.
    Reserved(Process),
}

/// To be called under the exclusive lock, before anything else, where the lock
/// file is longer than [`record::IDLE`].
pub(super) fn settle(lock: LockFile<'_>, target: &Path) -> Result<Settled> {
    let told = |error| Error::os("recover", lock.path(), error);
    let file = lock.file().map_err(told)?;
    if !lock.is_ours().map_err(told)? {
        // Some other program's file that only happens to have this name:
        // locking it does no harm, writing to it would.
        return Ok(Settled::Done);
    }
    let pending = record::read_pending(file).map_err(told)?;
    if let Some(Pending::Reserved(reservation)) = &pending {
        if reservation.stands() {
            return Ok(Settled::Reserved(reservation.to.clone()));
        }
        if !lock.is_writable() {
            // It is void for the next one too.
            return Ok(Settled::Done);
        }
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
        None if record::is_cleared(file).map_err(told)? => {}
        // A record that was cut short itself: nothing was begun, or it was to
        // take another's place, whose temporary may be there.
        None => temporary::sweep_again(target),
        // The lock is ours now, or the heir has died.
        Some(Pending::Reserved(_)) => {}
        Some(Pending::Append(pending)) => append::undo(target, &pending)?,
        Some(Pending::Stamp(pending)) => stamp::settle(target, &pending)?,
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
    record::clear_pending(file).map_err(told)?;
    Ok(Settled::Done)
}
