//! Removes a session.

use super::gone::{gone, remove_aside, set_aside};
use super::handle::Session;
use super::owner;
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::CallOptions;
use crate::sys;

/// Removes a session that has no owner. Returns `false` if it was missing.
pub(super) fn remove(session: &Session, call: &CallOptions<'_>) -> Result<bool> {
    const REMOVE: &str = "remove";
    let store = &session.store;
    let wait = call.begin(store.options.timeout);
    let Some(owned) = owner::take_if_there(REMOVE, session, &wait)? else {
        let names = store.names.acquire(REMOVE, false, &wait)?;
        set_aside(REMOVE, store, &session.name.text)?;
        drop(names);
        remove_aside(store, &session.name.text, &wait)?;
        return Ok(false);
    };
    let os_error = |error| Error::os(REMOVE, &session.path, error);
    let mut owned = Some(owned);
    {
        let _names = store.names.acquire(REMOVE, false, &wait)?;
        set_aside(REMOVE, store, &session.name.text)?;
        let gone = gone(store, &session.name.text);
        if !sys::MOVES_OPEN_FILES {
            // The lease is such a file. A process that claims the session now has it
            // open, and so stops the rename.
            owned = None;
        }
        sys::rename(&session.path, &gone).map_err(|error| in_use(os_error(error)))?;
        // From here on the session is removed, whatever fails later.
        set_aside(REMOVE, store, &session.name.text)?;
        if store.options.durability == Durability::Power {
            sys::sync_parent(&session.path).map_err(|error| {
                os_error(error)
                    .with_kind(ErrorKind::NotDurable)
                    .hint("the session is removed, but a power cut may bring it back")
            })?;
        }
    }
    drop(owned);
    remove_aside(store, &session.name.text, &wait)?;
    Ok(true)
}

/// Names the usual reason on Windows, whose own error is "access denied".
fn in_use(error: Error) -> Error {
    if sys::MOVES_OPEN_FILES || error.kind() != ErrorKind::PermissionDenied {
        return error;
    }
    error.hint(
        "Windows renames no directory with an open file in it: close what this and other \
         processes have open of the session, and remove it then; nothing was removed",
    )
}
