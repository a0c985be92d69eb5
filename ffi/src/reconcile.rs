//! What becomes of a session whose owner died.

use std::ffi::c_void;

use untorn::{Begun, Reconcile as CoreReconcile, Reconciled};

use crate::argument::{Arguments, put, take_back};
use crate::call::{self, Call};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::holder::Holder;
use crate::session::{self, Session};
use crate::transaction::Transaction;

/// The session was never owned, or its last owner let it go or was reconciled.
pub const UNTORN_RECONCILED_NO_CHANGE: i32 = 0;
/// Somebody else is about to reconcile, claim or remove it just now.
pub const UNTORN_RECONCILED_BUSY: i32 = 1;
/// The owner lives.
pub const UNTORN_RECONCILED_ALIVE: i32 = 2;
/// The last owner is dead, and it is this call's turn.
pub const UNTORN_RECONCILED_TURN: i32 = 3;

/// The owner is dead, and nobody else reconciles or claims the session until this
/// is freed. It may be handed to another thread, but is for one thread at a time.
pub struct Reconcile {
    /// Points into `core`.
    transaction: Option<Transaction>,
    /// Where it is for as long as it lives.
    core: Box<CoreReconcile>,
    owner: Option<Holder>,
}

/// Whether a session lives in another way than by its owner's process; context is
/// what was given with it. Not 0: it does.
pub type AlsoAlive = Option<unsafe extern "C" fn(context: *mut c_void) -> i32>;

/// Looks whether the session's last owner has died without letting go, and never
/// waits for one: *found_out is a UNTORN_RECONCILED_ number.
///
/// UNTORN_RECONCILED_TURN: *reconcile_out is to be used thus: change the files
/// within untorn_reconcile_transaction(), then untorn_reconcile_commit(), and
/// untorn_reconcile_free() in any case. Without the commit nothing has changed, and
/// it is somebody's turn again. Otherwise *reconcile_out is NULL.
///
/// UNTORN_RECONCILED_ALIVE: *holder_out (may be NULL) is the owner, to be freed
/// with untorn_holder_free(); otherwise it is NULL.
///
/// also_alive (may be NULL) is asked, with context, where the owner's process is
/// dead: a session that lives in another way is UNTORN_RECONCILED_ALIVE. It must
/// return, and not call this library on the same session.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_reconcile(
    session: *const Session,
    also_alive: AlsoAlive,
    context: *mut c_void,
    call: *const Call,
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
        let mut turn = None;
        found_out.put(match session.begin_reconcile(probe, &call)? {
            Begun::Turn(mut core) => {
                turn = Some(Reconcile {
                    owner: core.owner().cloned().map(Holder::new),
                    transaction: core.transaction().ok().map(Transaction::lent),
                    core,
                });
                UNTORN_RECONCILED_TURN
            }
            Begun::Not(Reconciled::Busy) => UNTORN_RECONCILED_BUSY,
            Begun::Not(Reconciled::Alive(owner)) => {
                if !holder_out.is_null() {
                    holder = Box::into_raw(Box::new(Holder::new(owner)));
                }
                UNTORN_RECONCILED_ALIVE
            }
            Begun::Not(Reconciled::NoChange | Reconciled::Done) => UNTORN_RECONCILED_NO_CHANGE,
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

/// The dead owner; NULL if a power cut took what was known of him. It belongs to
/// the reconciliation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_reconcile_owner(reconcile: *const Reconcile) -> *const Holder {
    // SAFETY: NULL or a reconciliation.
    let owner = unsafe { reconcile.as_ref() }.and_then(|reconcile| reconcile.owner.as_ref());
    owner.map_or(std::ptr::null(), std::ptr::from_ref)
}

/// The transaction in which the session's files change. It belongs to the
/// reconciliation, and is neither to be committed nor to be freed by itself. NULL
/// if the reconciliation is over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_reconcile_transaction(
    reconcile: *mut Reconcile,
) -> *mut Transaction {
    // SAFETY: NULL or a reconciliation, which the caller has for himself.
    let transaction =
        unsafe { reconcile.as_mut() }.and_then(|reconcile| reconcile.transaction.as_mut());
    transaction.map_or(std::ptr::null_mut(), std::ptr::from_mut)
}

/// Makes the changes, all or none. With them the owner is reconciled.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_reconcile_commit(
    reconcile: *mut Reconcile,
    call: *const Call,
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
        reconcile.core.commit_with(&call).map(drop)
    })
}

/// Ends a reconciliation and frees it. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_reconcile_free(reconcile: *mut Reconcile) {
    // SAFETY: NULL or a reconciliation, which the caller uses no more.
    unsafe { take_back(reconcile) }
}
