//! A lock that moves to another process: from a supervisor to its worker.
//!
//! No descriptor is handed over, only a name: the holder writes down for whom
//! the lock is reserved (kind 4 of the recovery record) and lets it go. Whoever
//! takes it next and is not the heir lets it go again and waits until the heir
//! has had it, or has died.

use std::path::Path;
use std::time::Duration;

use super::guard::LockGuard;
use crate::error::{Error, ErrorKind, Result};
use crate::lockfile::IDLE;
use crate::oslock::{Held, PathLock, Patience, Refused, Watching};
use crate::process::{Alive, Process};
use crate::recovery::clear_pending;
use crate::recovery::handover::{self, Reservation};

/// How long a heir may be dead unnoticed where the system does not tell.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

impl LockGuard {
    /// Gives the lock to another process of this machine, and lets it go. The
    /// heir takes it by acquiring it, as always; until it has, or has ended, no
    /// other process gets the lock: who tries is told `LOCKED` (or waits), with
    /// the heir as the holder.
    ///
    /// The heir takes the lock exclusively; once it has, nothing is reserved
    /// any more.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: the lock is shared, is not held (any more), or the
    /// heir has ended or can't be seen from here. `PERMISSION_DENIED`: the lock
    /// file can't be written. Any error: the lock is held as before.
    pub fn transfer(&self, to: &Process) -> Result<()> {
        let kept = self.kept();
        let refuse = |detail: String| Err(Error::invalid_argument("transfer", self.path(), detail));
        if self.is_shared() {
            return refuse("a lock that is shared can't be given away".to_owned());
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

/// Notes in the lock file of this lock, which is that of `path`, that it is
/// reserved. From when it is let go on, only the heir gets it.
pub(crate) fn reserve_for(held: &Held, path: &Path, to: &Process) -> Result<()> {
    let refuse = |detail: String| Err(Error::invalid_argument("transfer", path, detail));
    match to.alive() {
        Alive::Alive => reserve(held, to),
        Alive::Dead => refuse(format!("the heir, pid {}, has ended", to.pid)),
        Alive::Unknown => refuse(format!(
            "whether the heir, {to}, lives can't be seen from here"
        )),
    }
}

/// It is not reserved after all. If this fails, whoever takes the lock next and
/// is not the heir waits for him.
pub(crate) fn take_back(held: &Held) {
    if let Ok(file) = held.lock_file().file() {
        let _ = clear_pending(file);
    }
}

fn reserve(held: &Held, to: &Process) -> Result<()> {
    let lock = held.lock_file();
    let told = |error| Error::os("transfer", lock.path(), error);
    let new = |kind, detail: &str| Error::new(kind, "transfer", lock.path(), detail);
    if !lock.is_writable() {
        return Err(new(
            ErrorKind::PermissionDenied,
            "to reserve the lock for another process, this file must be writable",
        ));
    }
    let file = lock.file().map_err(told)?;
    lock.check_ours("transfer")?;
    let size = file.size().map_err(told)?.min(IDLE);
    handover::write_reservation(file, size, &Reservation::to(to)).map_err(|error| {
        // What is there of it can't be believed anyway.
        let _ = file.set_len(size);
        told(error)
    })
}

impl PathLock {
    /// Waits, without the lock, until it is worth to take it.
    #[cold]
    pub(crate) fn await_heir(
        &self,
        operation: &'static str,
        heir: &Process,
        patience: &Patience<'_>,
    ) -> Result<()> {
        let refused = |why| {
            let made = self.refusal(operation, why, patience);
            Err(match made.kind() {
                ErrorKind::Locked | ErrorKind::LockTimeout => made
                    .hint("it is reserved for the process that its last holder gave it to")
                    .held_by(Some(heir.clone().into())),
                _ => made,
            })
        };
        if patience.tries_once() {
            return refused(Refused::Busy);
        }
        let mut watching = Watching::new(self.record_path(), Some(heir.pid), patience);
        while handover::reserved(self.record_path()).is_some_and(|reservation| reservation.stands())
        {
            if let Err(why) = watching.sleep(patience, LOOK_AGAIN) {
                return refused(why.into());
            }
        }
        Ok(())
    }
}
