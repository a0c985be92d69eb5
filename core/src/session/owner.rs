//! The owner of a session.

use super::handle::Session;
use super::marker::{self, LeaseFile, Marker};
use crate::error::{Error, ErrorKind, Result};
use crate::holder::Holder;
use crate::oslock::RawGuard;
use crate::oslock::WaitPolicy;
use crate::process::Alive;
use crate::recovery::handover;
use crate::recovery::transaction::member_lock;
use crate::sys::{self, File};

/// The lease's lock, and the file that it locks.
pub(super) struct Owned {
    pub(super) slot: LeaseFile,
    /// Released after the slot is closed.
    pub(super) held: RawGuard,
}

/// Takes the lease's lock, if the session exists and has no owner.
pub(super) fn take_if_there(
    operation: &'static str,
    session: &Session,
    wait: &WaitPolicy<'_>,
) -> Result<Option<Owned>> {
    let held = match lock_if_there(operation, session, wait) {
        Ok(None) => return Ok(None),
        Ok(Some(held)) => held,
        Err(error) => return Err(name_holder(session, error)),
    };
    let slot = LeaseFile::open(&session.path)
        .map_err(|error| Error::os(operation, &session.path, error))?;
    if let Some(marker) = slot.marker() {
        forbid_second(operation, session, &marker)?;
    }
    Ok(Some(Owned { slot, held }))
}

/// Takes the lease's lock by itself; `None` if the session is missing.
pub(super) fn lock_if_there(
    operation: &'static str,
    session: &Session,
    wait: &WaitPolicy<'_>,
) -> Result<Option<RawGuard>> {
    loop {
        let lock = member_lock(&marker::path(&session.path));
        let held = match lock.acquire(operation, false, wait) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            result => result?,
        };
        let os_error = |error| Error::os(operation, &session.path, error);
        let named = sys::stat(lock.lock_path()).map_err(os_error)?;
        let locked = held
            .lock_file()
            .file()
            .and_then(File::id)
            .map_err(os_error)?;
        if named.is_some_and(|named| named.id == locked) {
            return Ok(Some(held));
        }
        // The session was removed while we waited: this is the lock of its
        // remains.
    }
}

/// Refuses a second owner. The lock is free, but the owner lives: a program has
/// removed the lock file, as clean-up scripts do, or a release failed. It still
/// owns the session.
pub(super) fn forbid_second(
    operation: &'static str,
    session: &Session,
    marker: &Marker,
) -> Result<()> {
    match &marker.owner {
        Some(owner) if owner.alive() == Alive::Alive && !is_heir(owner) => Err(Error::new(
            ErrorKind::Locked,
            operation,
            &session.path,
            "the session is owned, though its lock is free: its lock file was removed while it was \
             held, or its release failed; it is free when its owner ends",
        )
        .held_by(Some(owner.clone()))),
        _ => Ok(()),
    }
}

/// Returns whether the line is that of this process: the lease was transferred to
/// it, and it has not claimed it yet.
pub(super) fn is_heir(owner: &Holder) -> bool {
    owner.since.is_none() && owner.process().is_current()
}

/// Makes the error name the owner, with its label.
pub(super) fn name_holder(session: &Session, error: Error) -> Error {
    if !matches!(error.kind(), ErrorKind::Locked | ErrorKind::LockTimeout) {
        return error;
    }
    let Ok(Some(marker)) = marker::read(&session.path) else {
        // The holder has the lock, but has not written its line yet. The system's
        // report on it stays.
        return error;
    };
    if let Some(reconciler) = marker.live_reconciler() {
        let reconciler = reconciler.clone();
        return error
            .hint("the session's last owner is dead, and another process reconciles it just now")
            .held_by(Some(reconciler));
    }
    match marker.live_owner() {
        Some(owner) => {
            let owner = owner.clone();
            error.held_by(Some(owner))
        }
        None => error,
    }
}

/// Returns the session's owner, as its file says.
pub(super) fn holder(session: &Session) -> Result<Option<Holder>> {
    let marker =
        marker::read(&session.path).map_err(|error| Error::os("holder", &session.path, error))?;
    let Some(marker) = marker.filter(|marker| marker.live_reconciler().is_none()) else {
        return Ok(None);
    };
    Ok(marker
        .live_owner()
        .cloned()
        .or_else(|| successor(session, &marker)))
}

/// Returns the successor that the session is kept for, if its owner died during
/// the transfer.
pub(super) fn successor(session: &Session, marker: &Marker) -> Option<Holder> {
    let mut lock_path = marker::path(&session.path).into_os_string();
    lock_path.push(".lock");
    let mut successor = Holder::from(handover::successor(lock_path.as_ref())?);
    successor.label = marker.owner.as_ref().and_then(|owner| owner.label.clone());
    Some(successor)
}
