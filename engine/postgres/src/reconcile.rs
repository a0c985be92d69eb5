//! Reconciles a session whose owner ended without a release, exactly once.

use std::fmt;
use std::sync::Arc;

use untorn::engine::Waiting;
use untorn::{CallOptions, Error, Holder, Reconciled};

use crate::driver::{Columns, Param, millis};
use crate::dropped::at_drop;
use crate::id;
use crate::kept::{Kept, Under};
use crate::link::{Ask, only};
use crate::owner;
use crate::session::Session;
use crate::transaction::Transaction;

/// A reconciliation that has begun, or why it has not.
#[derive(Debug)]
pub enum ReconcileStart {
    /// The last owner is dead: it is this call's turn.
    Turn(Box<Reconcile>),
    /// It is not this call's turn: [`Reconciled::NoChange`], `Busy` or `Alive`.
    Not(Reconciled),
}

/// A reconciliation of a session with a dead owner. No other process reconciles or
/// claims the session until this is finished or dropped, or the store's time to live has
/// passed. A drop changes nothing.
pub struct Reconcile {
    kept: Arc<Kept>,
    owner: Option<Holder>,
    token: i64,
    transaction: Option<Transaction>,
}

impl Session {
    /// Runs `change` in a transaction on the session's files, if the last owner ended
    /// without a release. It runs in one process at a time, and not again once it has
    /// changed something (`Ok(true)`). If it fails, nothing has changed, and the next
    /// call tries it again; also if it finds nothing to change (`Ok(false)`).
    ///
    /// Never waits for an owner.
    ///
    /// # Errors
    /// The error of `change`; those of [`Transaction::commit`].
    pub fn reconcile(
        &self,
        change: impl FnOnce(&mut Transaction) -> Result<bool, Error>,
    ) -> Result<Reconciled, Error> {
        self.try_reconcile(change)
    }

    /// Does the same as [`Session::reconcile`] with an error type of the caller's own.
    ///
    /// # Errors
    /// The error of `change`; and as [`Session::reconcile`].
    pub fn try_reconcile<E: From<Error>>(
        &self,
        change: impl FnOnce(&mut Transaction) -> Result<bool, E>,
    ) -> Result<Reconciled, E> {
        let mut turn = match self.begin_reconcile(|| Ok(false), &CallOptions::new())? {
            ReconcileStart::Not(why) => return Ok(why),
            ReconcileStart::Turn(turn) => turn,
        };
        let changed = change(turn.transaction()?);
        turn.end(changed, &CallOptions::new())
    }

    /// Reconciles as [`Session::reconcile`] does, with a second opinion: `also_alive`
    /// decides whether the session lives in another way, while no other process can
    /// claim or reconcile it.
    ///
    /// # Errors
    /// The same, the error of `also_alive`, and `CANCELLED`.
    pub fn reconcile_with(
        &self,
        change: impl FnOnce(&mut Transaction) -> Result<bool, Error>,
        also_alive: impl FnOnce() -> Result<bool, Error>,
        call: &CallOptions<'_>,
    ) -> Result<Reconciled, Error> {
        let mut turn = match self.begin_reconcile(also_alive, call)? {
            ReconcileStart::Not(why) => return Ok(why),
            ReconcileStart::Turn(turn) => turn,
        };
        let changed = change(turn.transaction()?);
        turn.end(changed, call)
    }

    /// Begins a reconciliation in steps.
    ///
    /// # Errors
    /// As [`Session::reconcile_with`].
    pub fn begin_reconcile(
        &self,
        also_alive: impl FnOnce() -> Result<bool, Error>,
        call: &CallOptions<'_>,
    ) -> Result<ReconcileStart, Error> {
        let kept = &self.kept;
        let wait = Waiting::begin("reconcile", &kept.name, call, None)?;
        let sql = format!(
            "select outcome, token, owner from {}.reconcile($1::text, $2::text, \
             $3::bigint * interval '1 ms', $4::text::uuid)",
            kept.link.schema
        );
        let who = owner::text(&untorn::engine::owner("reconciles"));
        let id = id::new();
        let params = [
            Param::Text(Some(&kept.key)),
            Param::Text(Some(&who)),
            Param::Int(Some(millis(self.store.options.ttl))),
            Param::Text(Some(&id)),
        ];
        let ask = Ask {
            operation: "reconcile",
            name: &kept.name,
            wait: Some(&wait),
            changes: true,
        };
        let rows = kept.link.call(&ask, &sql, &params)?;
        let mut columns = Columns::of(only("reconcile", &kept.name, rows)?);
        let outcome = columns.text().unwrap_or_default();
        let token = columns.int();
        let owner = columns.text().map(|text| owner::of_text(&text));
        let Some(token) = token.filter(|_| outcome == "turn") else {
            return Ok(ReconcileStart::Not(match (outcome.as_str(), owner) {
                ("busy", _) => Reconciled::Busy,
                ("alive", Some(owner)) => Reconciled::Alive(owner),
                _ => Reconciled::NoChange,
            }));
        };
        let under = Under {
            token: Some(token),
            release: true,
        };
        let mut turn = Reconcile {
            kept: Arc::clone(kept),
            owner,
            token,
            transaction: Some(Transaction::new(kept, Some(under))),
        };
        let alive = also_alive();
        if let Ok(false) = alive {
            return Ok(ReconcileStart::Turn(Box::new(turn)));
        }
        // This leaves the dead owner as it was.
        turn.discard();
        let owner = turn.owner.clone();
        alive.map(|_| ReconcileStart::Not(owner.map_or(Reconciled::Busy, Reconciled::Alive)))
    }
}

impl Reconcile {
    /// Returns the dead owner.
    pub fn owner(&self) -> Option<&Holder> {
        self.owner.as_ref()
    }

    /// Returns the transaction in which the session's files change.
    /// [`Reconcile::commit`] commits it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: the reconciliation is over.
    pub fn transaction(&mut self) -> Result<&mut Transaction, Error> {
        let name = &self.kept.name;
        self.transaction.as_mut().ok_or_else(|| over(name))
    }

    /// Makes the changes, and ends the dead owner's lease with them.
    ///
    /// # Errors
    /// As [`Transaction::commit`]. `LEASE_LOST`: this took longer than the store's time
    /// to live, and another process has the session now.
    pub fn commit(&mut self) -> Result<Reconciled, Error> {
        self.commit_with(&CallOptions::new())
    }

    /// Commits as [`Reconcile::commit`] does, with a way to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn commit_with(&mut self, call: &CallOptions<'_>) -> Result<Reconciled, Error> {
        let transaction = self
            .transaction
            .as_mut()
            .ok_or_else(|| over(&self.kept.name))?;
        let result = transaction.commit_with(call);
        if result.is_err() {
            self.discard();
        }
        self.transaction = None;
        result.map(|()| Reconciled::Done)
    }

    fn end<E: From<Error>>(
        &mut self,
        changed: Result<bool, E>,
        call: &CallOptions<'_>,
    ) -> Result<Reconciled, E> {
        if let Ok(true) = changed {
            return Ok(self.commit_with(call)?);
        }
        self.discard();
        changed.map(|_| Reconciled::NoChange)
    }

    /// Ends without a change. A second call does nothing.
    pub fn discard(&mut self) {
        if self.transaction.take().is_some() {
            discard(&self.kept, self.token);
        }
    }
}

fn discard(kept: &Kept, token: i64) {
    let sql = format!("select {}.discard($1::text, $2::bigint)", kept.link.schema);
    let params = [Param::Text(Some(&kept.key)), Param::Int(Some(token))];
    let ask = Ask {
        operation: "reconcile",
        name: &kept.name,
        wait: None,
        changes: true,
    };
    // If it fails, the turn ends by its time to live.
    let _ = kept.link.once(&ask, &sql, &params);
}

#[cold]
fn over(name: &std::path::Path) -> Error {
    Error::invalid_argument(
        "reconcile",
        name,
        "the reconciliation is over: it was committed or discarded",
    )
}

impl Drop for Reconcile {
    fn drop(&mut self) {
        if self.transaction.take().is_some() {
            let (kept, token) = (Arc::clone(&self.kept), self.token);
            at_drop(&self.kept.link, move || discard(&kept, token));
        }
    }
}

impl fmt::Debug for Reconcile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconcile")
            .field("session", &self.kept.name)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}
