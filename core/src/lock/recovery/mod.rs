//! Settles what the last holder of a lock left unfinished: one file a kind.

mod append;

use std::path::Path;

use super::gate::Gate;
use super::record::{self, APPEND};
use crate::error::{Error, ErrorKind, Result};

/// To be called under the exclusive lock, before anything else, where the lock
/// file is longer than [`record::IDLE`].
pub(super) fn settle(gate: &Gate, target: &Path) -> Result<()> {
    let told = |error| Error::os("recover", &gate.lock_path, error);
    if !record::is_ours(gate.file()).map_err(told)? {
        // Some other program's file that only happens to have this name:
        // locking it does no harm, writing to it would.
        return Ok(());
    }
    if !gate.writable {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            "recover",
            &gate.lock_path,
            "a change was cut off here by a crash, and to settle it this lock file must be writable",
        ));
    }
    if let Some(pending) = record::read_pending(gate.file()).map_err(told)? {
        match pending.kind() {
            APPEND => append::undo(target, &pending.append())?,
            kind => return Err(unknown(gate, kind)),
        }
    }
    record::clear_pending(gate.file()).map_err(told)
}

/// Not ours to clear: whoever wrote it relies on its being settled.
#[cold]
fn unknown(gate: &Gate, kind: u32) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "recover",
        &gate.lock_path,
        format!(
            "a change of kind {kind} was cut off here, which this version does not know; a later \
             version of untorn has to settle it"
        ),
    )
}
