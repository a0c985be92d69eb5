//! A reconciliation, in the steps that JavaScript takes.

use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use napi_derive::napi;
use untorn_postgres::{Reconcile, ReconcileStart};

use super::lane::Lane;
use super::transaction::PostgresTransaction;
use crate::call::{How, locked};
use crate::lock::described;
use crate::port::Inner;
use crate::session::outcome;

#[napi]
pub struct PostgresReconcile {
    lane: Lane,
    turn: Option<Arc<Mutex<Box<Reconcile>>>>,
    outcome: &'static str,
    holder: Option<untorn::Holder>,
}

impl PostgresReconcile {
    pub fn new(port: &Rc<Inner>, name: &Path, begun: ReconcileStart) -> PostgresReconcile {
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
        PostgresReconcile {
            lane: Lane::new(port, name),
            turn,
            outcome,
            holder,
        }
    }
}

#[napi]
impl PostgresReconcile {
    /// The outcome, if it is committed.
    #[napi(getter, catch_unwind)]
    pub fn outcome(&self) -> &'static str {
        self.outcome
    }

    #[napi(getter, catch_unwind)]
    pub fn holder(&self) -> String {
        described(self.holder.clone())
    }

    /// `None` without a turn.
    #[napi(catch_unwind)]
    pub fn transaction(&self) -> Option<PostgresTransaction> {
        let turn = self.turn.as_ref()?;
        Some(PostgresTransaction::of_turn(&self.lane, turn))
    }

    #[napi(catch_unwind)]
    pub fn commit(&self, try_once: bool) -> u32 {
        let turn = self.turn.clone();
        self.lane.apart(
            "reconcile",
            How::new(try_once, None),
            move |call| match &turn {
                Some(turn) => locked(turn).commit_with(call).map(drop),
                None => Ok(()),
            },
            |_, ()| (),
        )
    }

    /// Changes nothing.
    #[napi(catch_unwind)]
    pub fn discard(&self) -> u32 {
        let turn = self.turn.clone();
        self.lane.apart(
            "reconcile",
            How::default(),
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
