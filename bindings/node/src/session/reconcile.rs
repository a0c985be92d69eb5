//! A reconciliation, in the steps that JavaScript takes.

use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use napi_derive::napi;
use untorn::tasks::Order;
use untorn::{CallOptions, ReconcileStart, Reconciled};

use crate::call::locked;
use crate::failure::told;
use crate::lock::described;
use crate::port::Inner;
use crate::transaction::Transaction;
use crate::values::patience;

/// The turn to reconcile a dead owner's session, or why this call has none.
#[napi]
pub struct Reconcile {
    port: Rc<Inner>,
    path: Arc<Path>,
    turn: Option<Arc<Mutex<Box<untorn::Reconcile>>>>,
    outcome: &'static str,
    holder: Option<untorn::Holder>,
}

/// Why it is not this call's turn, in a word, and the owner that lives.
pub fn outcome(why: Reconciled) -> (&'static str, Option<untorn::Holder>) {
    match why {
        Reconciled::Alive(holder) => ("alive", Some(holder)),
        Reconciled::Busy => ("busy", None),
        Reconciled::NoChange | Reconciled::Done => ("no_change", None),
    }
}

impl Reconcile {
    pub fn new(port: &Rc<Inner>, path: &Arc<Path>, begun: ReconcileStart) -> Reconcile {
        let (turn, outcome, holder) = match begun {
            ReconcileStart::Turn(turn) => {
                let owner = turn.owner().cloned();
                (Some(Arc::new(Mutex::new(turn))), "done", owner)
            }
            ReconcileStart::Not(why) => {
                let (outcome, holder) = outcome(why);
                (None, outcome, holder)
            }
        };
        Reconcile {
            port: Rc::clone(port),
            path: Arc::clone(path),
            turn,
            outcome,
            holder,
        }
    }
}

#[napi]
impl Reconcile {
    /// The outcome, if it is committed.
    #[napi(getter, catch_unwind)]
    pub fn outcome(&self) -> &'static str {
        self.outcome
    }

    /// The owner, dead or alive: JSON, as in errors.
    #[napi(getter, catch_unwind)]
    pub fn holder(&self) -> String {
        described(self.holder.clone())
    }

    /// The transaction that changes the session's files; `None` without a turn.
    #[napi(catch_unwind)]
    pub fn transaction(&self) -> Option<Transaction> {
        let turn = self.turn.as_ref()?;
        Some(Transaction::of_turn(&self.port, &self.path, turn))
    }

    #[napi(catch_unwind)]
    pub fn commit_sync(&self, timeout: f64) -> napi::Result<()> {
        let call = CallOptions::new().timeout(patience(timeout));
        match &self.turn {
            Some(turn) => told(locked(turn).commit_with(&call)).map(drop),
            None => Ok(()),
        }
    }

    #[napi(catch_unwind)]
    pub fn commit(&self, try_once: bool) -> u32 {
        let turn = self.turn.clone();
        self.port.hold(
            Order::Unordered,
            ("reconcile", &self.path),
            try_once,
            move |call| match &turn {
                Some(turn) => locked(turn).commit_with(call).map(drop),
                None => Ok(()),
            },
            |_, ()| (),
        )
    }

    /// Changes nothing.
    #[napi(catch_unwind)]
    pub fn discard_sync(&self) {
        if let Some(turn) = &self.turn {
            locked(turn).discard();
        }
    }

    #[napi(catch_unwind)]
    pub fn discard(&self) -> u32 {
        let turn = self.turn.clone();
        self.port.run(
            Order::Immediate,
            ("reconcile", &self.path),
            false,
            move |_| {
                if let Some(turn) = &turn {
                    locked(turn).discard();
                }
                Ok(())
            },
            |_, ()| (),
        )
    }
}
