//! Cleanup after a session's owner that died.

use std::ffi::c_void;

use untorn::{Reconcile as CoreReconcile, ReconcileStart, Reconciled};
use untorn_postgres::{Reconcile as EngineReconcile, ReconcileStart as EngineStart};

use crate::argument::{Arguments, put, take_back};
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::known_holder::Holder;
use crate::place::{Place, both};
use crate::session::{self, Session};
use crate::transaction::Transaction;

/// Nothing to do: the session was never owned, or its last owner released it, or
/// it is already reconciled.
pub const UNTORN_RECONCILED_NO_CHANGE: i32 = 0;
/// Another process is reconciling, claiming or removing it just now.
pub const UNTORN_RECONCILED_BUSY: i32 = 1;
/// The owner lives.
pub const UNTORN_RECONCILED_ALIVE: i32 = 2;
/// The last owner is dead, and this call reconciles the session.
pub const UNTORN_RECONCILED_TURN: i32 = 3;

/// A reconciliation: the owner is dead, and no other process reconciles or claims
/// the session until this is freed. It may be handed to another thread, but only
/// one thread may use it at a time.
pub struct Reconcile {
    /// Points into `core`.
    transaction: Option<Transaction>,
    /// In a box, because `transaction` points to it.
    core: Place<Box<CoreReconcile>, Box<EngineReconcile>>,
    owner: Option<Holder>,
}

impl Reconcile {
    fn new(mut core: Place<Box<CoreReconcile>, Box<EngineReconcile>>) -> Reconcile {
        let owner = both!(&core, core => core.owner()).cloned();
        let transaction = match &mut core {
            Place::Files(core) => core.transaction().ok().map(Place::Files),
            Place::Database(core) => core.transaction().ok().map(Place::Database),
        };
        Reconcile {
            transaction: transaction.map(Transaction::lent),
            owner: owner.map(Holder::new),
            core,
        }
    }
}

/// Returns whether a session lives in another way than by its owner's process:
/// not 0 if it does. context is the pointer that was passed with this function.
pub type AlsoAlive = Option<unsafe extern "C" fn(context: *mut c_void) -> i32>;

/// Checks whether the session's last owner died without releasing it. Never waits
/// for an owner. *found_out is a UNTORN_RECONCILED_ number.
///
/// UNTORN_RECONCILED_TURN: change the files within
/// untorn_reconcile_transaction(*reconcile_out), then call
/// untorn_reconcile_commit(), and untorn_reconcile_free() in any case. Without
/// the commit nothing changes, and another call can reconcile. For any other
/// number *reconcile_out is NULL.
///
/// UNTORN_RECONCILED_ALIVE: *holder_out (may be NULL) is the owner; free it with
/// untorn_holder_free(). For any other number it is NULL.
///
/// also_alive (may be NULL) is called with context if the owner's process is
/// dead. If it reports that the session lives in another way, the result is
/// UNTORN_RECONCILED_ALIVE. It must return, and must not call this library on the
/// same session.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_reconcile(
    session: *const Session,
    also_alive: AlsoAlive,
    context: *mut c_void,
    call: *const CallOptions,
    found_out: *mut i32,
    reconcile_out: *mut *mut Reconcile,
    holder_out: *mut *mut Holder,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "reconcile", || {
        let arguments = Arguments::of("reconcile");
        // SAFETY: as the header says of every argument.
        let (session, call, found_out, reconcile_out) = unsafe {
            let found_out = arguments.output(found_out, "found_out")?;
            let reconcile_out = arguments.output(reconcile_out, "reconcile_out")?;
            let call = call::read(call, &arguments)?;
            let session = session::of("reconcile", session)?;
            (session, call, found_out, reconcile_out)
        };
        let probe = || match also_alive {
            // SAFETY: the caller gave the function, and what it is given.
            Some(ask) => Ok(unsafe { ask(context) } != 0),
            None => Ok(false),
        };
        let mut holder = std::ptr::null_mut();
        let begun = match &session.core {
            Place::Files(core) => match core.begin_reconcile(probe, &call)? {
                ReconcileStart::Turn(turn) => Ok(Place::Files(turn)),
                ReconcileStart::Not(why) => Err(why),
            },
            Place::Database(core) => match core.begin_reconcile(probe, &call)? {
                EngineStart::Turn(turn) => Ok(Place::Database(turn)),
                EngineStart::Not(why) => Err(why),
            },
        };
        let mut turn = None;
        found_out.put(match begun {
            Ok(core) => {
                turn = Some(Reconcile::new(core));
                UNTORN_RECONCILED_TURN
            }
            Err(Reconciled::Busy) => UNTORN_RECONCILED_BUSY,
            Err(Reconciled::Alive(owner)) => {
                if !holder_out.is_null() {
                    holder = Box::into_raw(Box::new(Holder::new(owner)));
                }
                UNTORN_RECONCILED_ALIVE
            }
            Err(Reconciled::NoChange | Reconciled::Done) => UNTORN_RECONCILED_NO_CHANGE,
        });
        match turn {
            Some(turn) => reconcile_out.give(turn),
            None => reconcile_out.put(std::ptr::null_mut()),
        }
        // SAFETY: NULL or a place for it.
        unsafe { put(holder_out, holder) };
        Ok(())
    })
}

/// Returns the dead owner; NULL if a power cut destroyed that information. It
/// belongs to the reconciliation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_reconcile_owner(reconcile: *const Reconcile) -> *const Holder {
    // SAFETY: NULL or a reconciliation.
    let owner = unsafe { reconcile.as_ref() }.and_then(|reconcile| reconcile.owner.as_ref());
    owner.map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Returns the transaction that changes the session's files. It belongs to the
/// reconciliation: neither commit nor free it by itself. NULL if the
/// reconciliation is over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_reconcile_transaction(
    reconcile: *mut Reconcile,
) -> *mut Transaction {
    // SAFETY: NULL or a reconciliation, which the caller has for himself.
    let transaction =
        unsafe { reconcile.as_mut() }.and_then(|reconcile| reconcile.transaction.as_mut());
    transaction.map_or(std::ptr::null_mut(), std::ptr::from_mut)
}

/// Makes all the changes or none, and marks the owner as reconciled with them.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_reconcile_commit(
    reconcile: *mut Reconcile,
    call: *const CallOptions,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "reconcile", || {
        let arguments = Arguments::of("reconcile");
        // SAFETY: as the header says of every argument.
        let (reconcile, call) = unsafe {
            let reconcile = arguments.object_mut(reconcile, "reconcile")?;
            (reconcile, call::read(call, &arguments)?)
        };
        reconcile.transaction = None;
        both!(&mut reconcile.core, core => core.commit_with(&call)).map(drop)
    })
}

/// Ends a reconciliation and frees it. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_reconcile_free(reconcile: *mut Reconcile) {
    // SAFETY: NULL or a reconciliation, which the caller uses no more.
    unsafe { take_back(reconcile) }
}
