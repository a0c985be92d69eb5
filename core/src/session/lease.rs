//! The lease: a session has one live owner at a time.
//!
//! The lease is the lock of `.untorn.lease` in the session's directory. The
//! kernel frees it when its owner dies. The file itself names the owner
//! (marker.rs).

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::directory;
use super::handle::Session;
use super::marker::{self};
use super::owner::{Owned, is_heir, take_if_there};
use crate::error::{Error, Result};
use crate::holder::Holder;
use crate::lock::{CallOptions, reserve_for, take_back};
use crate::process::Process;
use crate::sys::{self};

/// A session's lease. No other process or thread owns the session until the lease
/// is released or dropped, or its process dies.
///
/// It may be sent to another thread and released there. In a forked child it
/// holds nothing, and releasing it does nothing: the parent still has it.
///
/// ```
/// use untorn::Store;
/// # let dir = tempfile::tempdir()?;
/// let session = Store::open(dir.path())?.session("chat:42")?;
/// let lease = session.claim("worker 3")?;
/// assert!(session.holder()?.is_some());
/// drop(lease);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Lease {
    /// The session's directory.
    path: PathBuf,
    own: Holder,
    previous: Option<Holder>,
    durable: bool,
    born: u32,
    owned: Mutex<Option<Owned>>,
}

impl Session {
    /// Makes this process the session's owner, with one try. Others see `label`
    /// with the owner.
    ///
    /// # Errors
    /// `LOCKED` and the owner, if the session has one; `INVALID_ARGUMENT` for a
    /// label of more than 64 KiB; failures of the system.
    pub fn claim(&self, label: impl Into<String>) -> Result<Lease> {
        let once = CallOptions::new().timeout(Some(Duration::ZERO));
        self.claim_with(label, &once)
    }

    /// Claims the session as [`Session::claim`] does, with a way to wait until
    /// the owner releases it or dies, or to cancel. The store's timeout holds
    /// unless the call sets another.
    ///
    /// # Errors
    /// The same, `LOCK_TIMEOUT`, `DEADLOCK` and `CANCELLED`.
    pub fn claim_with(&self, label: impl Into<String>, call: &CallOptions<'_>) -> Result<Lease> {
        if call.guard().is_some() {
            return Err(Error::invalid_argument(
                "claim",
                &self.path,
                "a lease is not taken under a lock that is held already",
            ));
        }
        let label = label.into();
        if label.len() > marker::LONGEST_LABEL {
            return Err(Error::invalid_argument(
                "claim",
                &self.path,
                format!(
                    "a label of {} bytes: it may have {}, so that others can read who owns the session",
                    label.len(),
                    marker::LONGEST_LABEL
                ),
            ));
        }
        let wait = call.begin(self.store.options.timeout);
        let mut owned = loop {
            directory::make("claim", self, &wait)?;
            // `None` if a removal came between: try again.
            if let Some(owned) = take_if_there("claim", self, &wait)? {
                break owned;
            }
        };
        let previous = owned
            .slot
            .marker()
            .map(|marker| marker::known(marker.owner))
            .filter(|owner| !is_heir(owner));
        let own = Holder::own(Some(&label));
        let durable = self.store.is_durable();
        let os_error =
            |error| Error::os("claim", &self.path, error).hint("the session is not claimed");
        owned.slot.own(&own, durable).map_err(os_error)?;
        owned.slot.owned_by(&own).map_err(os_error)?;
        Ok(Lease {
            path: self.path.clone(),
            own,
            previous,
            durable,
            born: sys::generation(),
            owned: Mutex::new(Some(owned)),
        })
    }
}

impl Lease {
    /// Returns this process, as others see it.
    pub fn holder(&self) -> &Holder {
        &self.own
    }

    /// Returns the owner before, if it died without a release: this owner must
    /// look at what it left. Pid 0 if a power cut took the line that names it.
    /// `None`: the session had no owner, or the last one released it.
    pub fn previous(&self) -> Option<&Holder> {
        self.previous.as_ref()
    }

    /// Returns the session's directory.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Returns whether this process still holds the lease.
    pub fn is_held(&self) -> bool {
        self.is_ours() && self.owned().is_some()
    }

    /// Releases the session. A second call does nothing.
    ///
    /// # Errors
    /// Failures of the system: the lease is still held.
    pub fn release(&self) -> Result<()> {
        if !self.is_ours() {
            return Ok(());
        }
        let mut owned = self.owned();
        if let Some(lease) = &*owned {
            // First the file, then the lock: a kill in between is a release.
            lease.slot.clear(self.durable).map_err(|error| {
                Error::os("release", &self.path, error).hint("the session is still owned")
            })?;
        }
        *owned = None;
        Ok(())
    }

    /// Transfers the session to another process of this machine: a worker that
    /// will outlive this one. That process takes it with [`Session::claim`].
    /// Until it has, or has ended, no other process can. From here on this lease
    /// holds nothing.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: the lease is not held (any more), or the process has
    /// ended or can't be seen from here; failures of the system. The lease is
    /// held as before.
    pub fn transfer(&self, to: &Process) -> Result<()> {
        let mut owned = self.is_ours().then(|| self.owned());
        let Some(lease) = owned.as_mut().and_then(|owned| owned.as_mut()) else {
            return Err(Error::invalid_argument(
                "transfer",
                &self.path,
                "the lease is not held by this process",
            ));
        };
        let mut successor = Holder::from(to.clone());
        successor.label.clone_from(&self.own.label);
        // First the reservation, then the owner's line. After a kill in between,
        // the session is kept for the successor, and its last owner is dead.
        reserve_for(&lease.held, &self.path, to)?;
        if let Err(error) = lease.slot.own(&successor, self.durable) {
            take_back(&lease.held);
            return Err(
                Error::os("transfer", &self.path, error).hint("the session is owned as before")
            );
        }
        if let Some(mut owned) = owned {
            *owned = None;
        }
        Ok(())
    }

    fn is_ours(&self) -> bool {
        self.born == sys::generation()
    }

    fn owned(&self) -> std::sync::MutexGuard<'_, Option<Owned>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // In a forked child the mutex may be locked by a thread that does not
        // exist here, and the child has nothing to release.
        if self.is_ours() {
            let _ = self.release();
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("path", &self.path)
            .field("holder", &self.own)
            .finish_non_exhaustive()
    }
}
