//! Moves a lock to another process: from a supervisor to its worker.
//!
//! No descriptor is handed over, only a name. The holder records the process
//! that the lock is reserved for (kind 4 of the recovery record), and releases
//! the lock. If another process takes it next, it releases the lock again. It
//! then waits until the successor has had the lock, or has died.

use std::path::Path;
use std::time::Duration;

use super::guard::LockGuard;
use crate::error::{Error, ErrorKind, Result};
use crate::events::LongWait;
use crate::lockfile::IDLE;
use crate::oslock::{AcquireError, PathLock, RawGuard, WaitPolicy, Watching};
use crate::process::{Alive, Process};
use crate::recovery::clear_pending;
use crate::recovery::handover::{self, Reservation};

/// How long a successor's death may go unnoticed if the system does not report
/// it.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

impl LockGuard {
    /// Transfers the lock to another process of this machine, and releases it.
    /// The successor takes it by acquiring it, as always. Until the successor
    /// has had it or has ended, no other process gets the lock. Others wait, or
    /// fail with `LOCKED` and the successor as the holder.
    ///
    /// The successor takes the lock exclusively. Once it has, the reservation
    /// is gone.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: the lock is shared or is not held (any more), or the
    /// successor has ended or can't be seen from here. `PERMISSION_DENIED`: the
    /// lock file can't be written. After any error the lock is held as before.
    pub fn transfer(&self, to: &Process) -> Result<()> {
        let kept = self.kept();
        let refuse = |detail: String| Err(Error::invalid_argument("transfer", self.path(), detail));
        if self.is_shared() {
            return refuse("a shared lock can't be transferred".to_owned());
        }
        let mut held = kept.is_ours().then(|| kept.held());
        let Some(held) = held.as_deref_mut().filter(|held| held.is_some()) else {
            return refuse("the lock is not held by this process".to_owned());
        };
        if let Some(under) = held {
            reserve_for(under, self.path(), to)?;
        }
        kept.let_go(held);
        Ok(())
    }
}

/// Records in the lock file of `path` that the lock is reserved. After its
/// release, only the successor gets it.
pub(crate) fn reserve_for(held: &RawGuard, path: &Path, to: &Process) -> Result<()> {
    let refuse = |detail: String| Err(Error::invalid_argument("transfer", path, detail));
    match to.alive() {
        Alive::Alive => reserve(held, to),
        Alive::Dead => refuse(format!("the successor, pid {}, has ended", to.pid)),
        Alive::Unknown => refuse(format!(
            "this process can't see whether the successor, {to}, lives"
        )),
    }
}

/// Takes the reservation back. If this fails, the next locker waits for the
/// successor.
pub(crate) fn take_back(held: &RawGuard) {
    if let Ok(file) = held.lock_file().file() {
        let _ = clear_pending(file);
    }
}

fn reserve(held: &RawGuard, to: &Process) -> Result<()> {
    let lock = held.lock_file();
    let os_error = |error| Error::os("transfer", lock.path(), error);
    let new = |kind, detail: &str| Error::new(kind, "transfer", lock.path(), detail);
    if !lock.is_writable() {
        return Err(new(
            ErrorKind::PermissionDenied,
            "to reserve the lock for another process, this file must be writable",
        ));
    }
    let file = lock.file().map_err(os_error)?;
    lock.check_ours("transfer")?;
    let size = file.size().map_err(os_error)?.min(IDLE);
    handover::write_reservation(file, size, &Reservation::to(to)).map_err(|error| {
        // A partial record can't be believed anyway.
        let _ = file.set_len(size);
        os_error(error)
    })
}

impl PathLock {
    /// Waits, without the lock, until another try is worthwhile.
    #[cold]
    pub(crate) fn await_heir(
        &self,
        operation: &'static str,
        successor: &Process,
        wait: &WaitPolicy<'_>,
    ) -> Result<()> {
        let refused = |why| {
            let made = self.refusal(operation, why, wait);
            Err(match made.kind() {
                ErrorKind::Locked | ErrorKind::LockTimeout => made
                    .hint("it is reserved for the process that its last holder gave it to")
                    .held_by(Some(successor.clone().into())),
                _ => made,
            })
        };
        if wait.tries_once() {
            return refused(AcquireError::Busy);
        }
        let mut watching = Watching::new(self.record_path(), Some(successor.pid), wait);
        let mut long_wait = LongWait::begin(operation, self.target());
        while handover::reserved(self.record_path()).is_some_and(|reservation| reservation.stands())
        {
            if let Err(why) = watching.sleep(wait, LOOK_AGAIN) {
                return refused(why.into());
            }
            long_wait.look(wait.is_limited(), || Some(successor.clone().into()));
        }
        Ok(())
    }
}
