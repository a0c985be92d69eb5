//! Reconciles a session whose owner died without a release.
//!
//! The reconciler holds the lease's lock, so only one process reconciles at a
//! time, and no owner exists meanwhile. A line in the lease's file says that the
//! owner died (marker.rs). This file is a member of the transaction: the changes
//! and the end of that line are one commit. A kill before the commit leaves a
//! dead owner, as before. After a kill later, the next process that takes one of
//! the locks finishes the commit.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::handle::Session;
use super::marker::{self, LeaseFile, NAME};
use super::owner;
use crate::error::{Error, ErrorKind, Result};
use crate::holder::Holder;
use crate::lock::CallOptions;
use crate::oslock::RawGuard;
use crate::process::Alive;
use crate::recovery::transaction::State;
use crate::sys;
use crate::transaction::Transaction;

/// The outcome of [`Session::reconcile`].
///
/// ```
/// use untorn::{Reconciled, Store};
/// # let dir = tempfile::tempdir()?;
/// let session = Store::open(dir.path())?.session("chat")?;
/// match session.reconcile(|_| Ok(false))? {
///     Reconciled::Alive(owner) => println!("at work: {owner}"),
///     Reconciled::Busy => println!("another process reconciles it"),
///     Reconciled::Done | Reconciled::NoChange => println!("free"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reconciled {
    /// The session was never owned, or its last owner released it or was
    /// reconciled; or nothing needed a change.
    NoChange,
    /// Another process reconciles, claims or removes the session at this moment.
    Busy,
    /// The owner lives.
    Alive(Holder),
    /// The changes are made.
    Done,
}

/// A reconciliation that has begun, or why it has not. See [`Reconcile`] for an example.
#[derive(Debug)]
pub enum ReconcileStart {
    /// The last owner is dead: it is this call's turn.
    Turn(Box<Reconcile>),
    /// It is not this call's turn: [`Reconciled::NoChange`], `Busy` or `Alive`.
    Not(Reconciled),
}

/// A reconciliation of a session with a dead owner. No other process or thread
/// reconciles or claims the session until this is finished or dropped. A drop
/// changes nothing. It may be sent to another thread.
///
/// ```
/// use untorn::{ReconcileStart, Store};
/// # let dir = tempfile::tempdir()?;
/// let session = Store::open(dir.path())?.session("chat")?;
/// match session.begin_reconcile(|| Ok(false), &untorn::CallOptions::new())? {
///     ReconcileStart::Turn(mut turn) => {
///         turn.transaction()?.save("state.json", b"{\"state\":\"failed\"}")?;
///         turn.commit()?;
///     }
///     ReconcileStart::Not(why) => println!("{why:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reconcile {
    path: PathBuf,
    owner: Option<Holder>,
    slot: LeaseFile,
    /// Has the lease's lock. `None`: finished.
    transaction: Option<Transaction>,
    born: u32,
}

impl Session {
    /// Runs `change` in a transaction on the session's files, if the last owner
    /// has died without a release. It runs in one process at a time, and not
    /// again once it has changed something (`Ok(true)`). If it fails, nothing has
    /// changed, and the next call tries it again; also if it finds nothing to
    /// change (`Ok(false)`).
    ///
    /// Never waits for an owner. Creates nothing if the session is missing or was
    /// never owned.
    ///
    /// ```
    /// use untorn::{Reconciled, Store};
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path())?;
    /// for key in store.keys()? {
    ///     let session = store.session(&key)?;
    ///     let outcome = session.reconcile(|tx| {
    ///         if tx.load("result.json")?.is_some() {
    ///             return Ok(false);
    ///         }
    ///         tx.create("result.json", b"{\"failed\":\"the worker died\"}")?;
    ///         tx.save("state.json", b"{\"state\":\"failed\"}")?;
    ///         Ok(true)
    ///     })?;
    ///     if let Reconciled::Alive(owner) = outcome {
    ///         println!("{key} is at work: {owner}");
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The error of `change`; those of [`Transaction::commit`]; `LOCK_TIMEOUT` if
    /// another transaction on the session's files takes too long; failures of the
    /// system. To fail with an error of your own, use [`Session::try_reconcile`].
    pub fn reconcile(
        &self,
        change: impl FnOnce(&mut Transaction) -> Result<bool>,
    ) -> Result<Reconciled> {
        self.try_reconcile(change)
    }

    /// Does the same as [`Session::reconcile`] with an error type of the caller's own.
    ///
    /// # Errors
    /// The error of `change`; and as [`Session::reconcile`].
    pub fn try_reconcile<E: From<Error>>(
        &self,
        change: impl FnOnce(&mut Transaction) -> std::result::Result<bool, E>,
    ) -> std::result::Result<Reconciled, E> {
        self.try_reconcile_with(change, || Ok(false), &CallOptions::new())
    }

    /// Reconciles as [`Session::reconcile`] does, with a second opinion. If the
    /// owner's process is dead, `also_alive` decides whether the session lives in
    /// another way. `Ok(true)` returns [`Reconciled::Alive`], and nothing
    /// happens.
    ///
    /// The probe runs while no other process can claim or reconcile. The locks
    /// that this library takes then, and the files that it opens, are no sign of
    /// life to others: [`Session::holder`] returns `None`.
    ///
    /// # Errors
    /// The same, the error of `also_alive`, and `CANCELLED`.
    pub fn reconcile_with(
        &self,
        change: impl FnOnce(&mut Transaction) -> Result<bool>,
        also_alive: impl FnOnce() -> Result<bool>,
        call: &CallOptions<'_>,
    ) -> Result<Reconciled> {
        self.try_reconcile_with(change, also_alive, call)
    }

    fn try_reconcile_with<E: From<Error>>(
        &self,
        change: impl FnOnce(&mut Transaction) -> std::result::Result<bool, E>,
        also_alive: impl FnOnce() -> Result<bool>,
        call: &CallOptions<'_>,
    ) -> std::result::Result<Reconciled, E> {
        let mut turn = match self.begin_reconcile(also_alive, call)? {
            ReconcileStart::Not(why) => return Ok(why),
            ReconcileStart::Turn(turn) => turn,
        };
        if change(turn.transaction()?)? {
            Ok(turn.commit_with(call)?)
        } else {
            Ok(Reconciled::NoChange)
        }
    }

    /// Begins a reconciliation in steps, for callers that can't pass a closure.
    ///
    /// # Errors
    /// As [`Session::reconcile_with`].
    pub fn begin_reconcile(
        &self,
        also_alive: impl FnOnce() -> Result<bool>,
        call: &CallOptions<'_>,
    ) -> Result<ReconcileStart> {
        if call.guard().is_some() {
            return Err(Error::invalid_argument(
                "reconcile",
                &self.path,
                "a session is not reconciled under a lock that is held already",
            ));
        }
        self.store.check_transactions("reconcile")?;
        let os_error = |error| Error::os("reconcile", &self.path, error);
        // Without the lock, since the owners of most sessions have released them.
        let once = call.timeout(Some(Duration::ZERO));
        if marker::read(&self.path).map_err(os_error)?.is_none() {
            return self.settle(&once).map(ReconcileStart::Not);
        }
        let held = match owner::lock_if_there("reconcile", self, &once.begin(None)) {
            Ok(Some(held)) => held,
            Ok(None) => return Ok(ReconcileStart::Not(Reconciled::NoChange)),
            Err(error) if error.kind() == ErrorKind::Locked => {
                return self.live_process().map(ReconcileStart::Not);
            }
            Err(error) => return Err(error),
        };
        // The lock may just have finished a committed transaction.
        let slot = LeaseFile::open_if_there(&self.path).map_err(os_error)?;
        let Some((marker, mut slot)) = slot.and_then(|slot| Some((slot.marker()?, slot))) else {
            return Ok(ReconcileStart::Not(Reconciled::NoChange));
        };
        if let Some(owner) = &marker.owner
            && owner.alive() == Alive::Alive
        {
            // The owner has no lock, but see `lease::forbid_second`.
            return Ok(ReconcileStart::Not(Reconciled::Alive(owner.clone())));
        }
        slot.reconcile(&Holder::own(Some("reconciles")))
            .map_err(os_error)?;
        match self.examine(also_alive, call) {
            Ok(Some(mut transaction)) => {
                transaction.remove_held(NAME, held);
                Ok(ReconcileStart::Turn(Box::new(Reconcile {
                    path: self.path.clone(),
                    owner: marker.owner,
                    slot,
                    transaction: Some(transaction),
                    born: sys::generation(),
                })))
            }
            not => {
                // While the lock is held.
                let _ = slot.put_back();
                drop(held);
                not.map(|_| ReconcileStart::Not(Reconciled::Alive(marker::known(marker.owner))))
            }
        }
    }

    fn examine(
        &self,
        also_alive: impl FnOnce() -> Result<bool>,
        call: &CallOptions<'_>,
    ) -> Result<Option<Transaction>> {
        if also_alive()? {
            return Ok(None);
        }
        self.begin(call).map(Some)
    }

    /// Finishes a committed reconciliation. Nothing needs to be reconciled, but a
    /// reconciler may have died after its commit, with only some of the changes
    /// made.
    fn settle(&self, once: &CallOptions<'_>) -> Result<Reconciled> {
        let committed = State::Committed.path(&self.path);
        let left = sys::stat(&committed).map_err(|error| Error::os("reconcile", &committed, error));
        if left?.is_some() {
            match self.begin(once) {
                // The process that commits is still at work.
                Err(error) if error.kind() == ErrorKind::Locked => {}
                begun => drop(begun?),
            }
        }
        Ok(Reconciled::NoChange)
    }

    /// Returns the outcome for a lock that is not free: it depends on the lock's
    /// holder.
    fn live_process(&self) -> Result<Reconciled> {
        let marker =
            marker::read(&self.path).map_err(|error| Error::os("reconcile", &self.path, error))?;
        let Some(marker) = marker else {
            return Ok(Reconciled::NoChange);
        };
        if marker.live_reconciler().is_some() {
            return Ok(Reconciled::Busy);
        }
        if let Some(owner) = marker.live_owner() {
            return Ok(Reconciled::Alive(owner.clone()));
        }
        // The owner died during the transfer.
        Ok(match owner::successor(self, &marker) {
            Some(successor) => Reconciled::Alive(successor),
            None => Reconciled::Busy,
        })
    }
}

impl Reconcile {
    /// Returns the dead owner; `None` if a power cut took its line.
    pub fn owner(&self) -> Option<&Holder> {
        self.owner.as_ref()
    }

    /// Returns the transaction in which the session's files change.
    /// [`Reconcile::commit`] commits it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: the reconciliation is over.
    pub fn transaction(&mut self) -> Result<&mut Transaction> {
        let path = &self.path;
        self.transaction.as_mut().ok_or_else(|| over(path))
    }

    /// Makes the changes. With them the owner is reconciled, and its line is
    /// gone.
    ///
    /// # Errors
    /// As [`Transaction::commit`].
    pub fn commit(&mut self) -> Result<Reconciled> {
        self.commit_with(&CallOptions::new())
    }

    /// Commits as [`Reconcile::commit`] does, with a way to wait or to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn commit_with(&mut self, call: &CallOptions<'_>) -> Result<Reconciled> {
        let Some(mut transaction) = self.transaction.take() else {
            return Err(over(&self.path));
        };
        let (result, held) = transaction.end_held(NAME, Some(call));
        if result.is_err() {
            self.leave(held);
        }
        result.map(|()| Reconciled::Done)
    }

    /// Ends without a change. A second call does nothing.
    pub fn discard(&mut self) {
        if let Some(mut transaction) = self.transaction.take()
            && self.born == sys::generation()
        {
            let (_, held) = transaction.end_held(NAME, None);
            self.leave(held);
        }
    }

    /// Removes our line and keeps the dead owner's, while the lock is held. If
    /// that fails, our line means nothing as long as the lock is free.
    fn leave(&self, held: Option<RawGuard>) {
        if held.is_some() {
            let _ = self.slot.put_back();
        }
    }
}

impl Drop for Reconcile {
    fn drop(&mut self) {
        self.discard();
    }
}

impl fmt::Debug for Reconcile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconcile")
            .field("path", &self.path)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

#[cold]
fn over(path: &std::path::Path) -> Error {
    Error::invalid_argument(
        "reconcile",
        path,
        "the reconciliation is over: it was committed or discarded",
    )
}
