//! A state that follows a journal's records.

use untorn::{Damage, FoldCursor, FoldTurn as CoreTurn, Folded, OwnedRecord};
use untorn_postgres::{FoldCursor as EngineCursor, FoldTurn as EngineTurn};

use crate::argument::{Arguments, put, take_back};
use crate::bytes::{self, Bytes};
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::damage;
use crate::error::Error;
use crate::guard::{guard, quietly};
use crate::journal::Journal;
use crate::place::{Place, both, each};
use crate::position::Position;

/// The state is up to date.
pub const UNTORN_FOLD_CURRENT: i32 = 0;
/// Apply this record to the state.
pub const UNTORN_FOLD_RECORD: i32 = 1;
/// Start again with an empty state. The records follow from the first one on.
pub const UNTORN_FOLD_RESTART: i32 = 2;

/// How far the caller has applied a journal's records to a state. Many threads
/// may use it. Turns run one at a time, under the journal's lock. In a database they
/// lock nothing.
pub struct Fold {
    core: Place<FoldCursor, EngineCursor>,
}

/// One turn of a fold, which holds the journal's lock. It may be handed to
/// another thread, but only one thread may use it at a time.
pub struct FoldTurn {
    /// `None`: finished.
    core: Option<Place<CoreTurn, EngineTurn>>,
    current: Option<OwnedRecord>,
    damage: Vec<Damage>,
}

/// Begins a fold at the journal's start. The caller keeps the state and changes
/// it only within a turn, so that the state and the file stay in step. Free it
/// with untorn_fold_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_fold(
    journal: *const Journal,
    fold_out: *mut *mut Fold,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "fold", || {
        let arguments = Arguments::of("fold");
        // SAFETY: as the header says of every argument.
        let (journal, fold_out) = unsafe {
            let journal = arguments.object(journal, "journal")?;
            (journal, arguments.output(fold_out, "fold_out")?)
        };
        fold_out.give(Fold {
            core: each!(&journal.core, core => core.fold_cursor()),
        });
        Ok(())
    })
}

/// Takes the journal's lock for a turn. Apply every record that
/// untorn_fold_turn_next() returns, until UNTORN_FOLD_CURRENT. You may then call
/// untorn_fold_turn_append(), and apply those records in the same way. End with
/// untorn_fold_turn_finish(), and call untorn_fold_turn_free() in any case.
///
/// UNTORN_DEADLOCK if this thread already holds the lock.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_fold_begin(
    fold: *const Fold,
    call: *const CallOptions,
    turn_out: *mut *mut FoldTurn,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "fold", || {
        let arguments = Arguments::of("fold");
        // SAFETY: as the header says of every argument.
        let (fold, call, turn_out) = unsafe {
            let fold = arguments.object(fold, "fold")?;
            let call = call::read(call, &arguments)?;
            (fold, call, arguments.output(turn_out, "turn_out")?)
        };
        turn_out.give(FoldTurn {
            core: Some(each!(&fold.core, core => core.begin(&call)?)),
            current: None,
            damage: Vec::new(),
        });
        Ok(())
    })
}

/// Checks whether the state is already up to date, as far as that is known
/// without the lock. If so, you can skip the turn.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_fold_is_current(
    fold: *const Fold,
    current_out: *mut bool,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "fold", || {
        let arguments = Arguments::of("fold");
        // SAFETY: as the header says of every argument.
        let (fold, current_out) = unsafe {
            let fold = arguments.object(fold, "fold")?;
            (fold, arguments.output(current_out, "current_out")?)
        };
        current_out.put(both!(&fold.core, core => core.is_current())?);
        Ok(())
    })
}

/// Writes the position up to which the state has been folded. Returns false and
/// writes nothing while no state exists or a turn is using it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_fold_position(
    fold: *const Fold,
    position_out: *mut Position,
) -> bool {
    // SAFETY: NULL or a fold.
    let fold = unsafe { fold.as_ref() };
    let position =
        fold.and_then(|fold| quietly(None, || both!(&fold.core, core => core.position())));
    if let Some(position) = position {
        // SAFETY: NULL or a place for it.
        unsafe { put(position_out, position.into()) };
    }
    position.is_some()
}

/// Frees a fold, after its turns. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_fold_free(fold: *mut Fold) {
    // SAFETY: NULL or a fold, which the caller uses no more.
    unsafe { take_back(fold) }
}

/// Returns the next step for the state: *kind_out is a UNTORN_FOLD_ number. For a
/// record, *data_out and *len_out are its bytes without the newline. They belong
/// to the turn and stay valid until its next use. For another kind *data_out is
/// NULL. start_out and end_out (each may be NULL) receive where the record
/// begins, and where the next line begins.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_fold_turn_next(
    turn: *mut FoldTurn,
    kind_out: *mut i32,
    data_out: *mut *const u8,
    len_out: *mut usize,
    start_out: *mut Position,
    end_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "fold", || {
        let arguments = Arguments::of("fold");
        // SAFETY: as the header says of every argument.
        let (turn, kind_out, data_out, len_out) = unsafe {
            (
                arguments.object_mut(turn, "turn")?,
                arguments.output(kind_out, "kind_out")?,
                arguments.output(data_out, "data_out")?,
                arguments.output(len_out, "len_out")?,
            )
        };
        turn.current = None;
        let Some(core) = &mut turn.core else {
            return Err(arguments.refuse("the turn is finished"));
        };
        let kind = match both!(core, core => core.next())? {
            None => UNTORN_FOLD_CURRENT,
            Some(Folded::Record(record)) => {
                turn.current = Some(record);
                UNTORN_FOLD_RECORD
            }
            // A kind that a later core may add: starting again is right for all
            // of them.
            Some(_) => UNTORN_FOLD_RESTART,
        };
        turn.damage = both!(core, core => core.take_damage());
        kind_out.put(kind);
        match &turn.current {
            Some(record) => {
                data_out.put(record.bytes.as_ptr());
                len_out.put(record.bytes.len());
                // SAFETY: NULL or places for them.
                unsafe {
                    put(start_out, record.start.into());
                    put(end_out, record.end.into());
                }
            }
            None => {
                data_out.put(std::ptr::null());
                len_out.put(0);
            }
        }
        Ok(())
    })
}

/// Writes the damaged stretch number index, from 0, of those that the last
/// untorn_fold_turn_next() skipped. See untorn_records_damage().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_fold_turn_damage(
    turn: *const FoldTurn,
    index: usize,
    kind_out: *mut i32,
    offset_out: *mut u64,
    length_out: *mut u64,
) -> bool {
    // SAFETY: NULL or a turn.
    let list = unsafe { turn.as_ref() }.map_or(&[][..], |turn| &turn.damage);
    // SAFETY: each NULL or a place for it.
    unsafe { damage::give(list, index, kind_out, offset_out, length_out) }
}

/// Appends count records under the turn's lock: all of them or none. Then
/// untorn_fold_turn_next() returns the earlier records of other processes, and
/// after them these. Writes the position just after the last to position_out (may
/// be NULL).
///
/// UNTORN_CONFLICT, only in a database: the journal goes on after the records that
/// the state has. Apply them, decide again, and append again.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_fold_turn_append(
    turn: *mut FoldTurn,
    records: *const Bytes,
    count: usize,
    position_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "append", || {
        let arguments = Arguments::of("append");
        // SAFETY: as the header says of every argument.
        let turn = unsafe { arguments.object_mut(turn, "turn")? };
        let Some(core) = &mut turn.core else {
            return Err(arguments.refuse("the turn is finished"));
        };
        let batch = both!(core, core => core.batch());
        // SAFETY: as the header says of every argument.
        let batch = unsafe { bytes::fill(batch, records, count, &arguments)? };
        let position = both!(core, core => core.append(&batch))?;
        // SAFETY: NULL or a place for it.
        unsafe { put(position_out, position.into()) };
        Ok(())
    })
}

/// Ends the turn: remembers that the state has all records that were returned,
/// releases the lock, and makes the appended records as durable as the journal's
/// options demand. Writes the position up to which the state is folded
/// (position_out may be NULL).
///
/// UNTORN_NOT_DURABLE: the state is right, but a power cut may lose the records.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_fold_turn_finish(
    turn: *mut FoldTurn,
    position_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "fold", || {
        let arguments = Arguments::of("fold");
        // SAFETY: as the header says of every argument.
        let turn = unsafe { arguments.object_mut(turn, "turn")? };
        let Some(core) = turn.core.take() else {
            return Err(arguments.refuse("the turn is finished"));
        };
        let position = both!(core, core => core.finish())?;
        // SAFETY: NULL or a place for it.
        unsafe { put(position_out, position.into()) };
        Ok(())
    })
}

/// Frees a turn. If it was not finished, the next turn begins with
/// UNTORN_FOLD_RESTART, because the state may be wrong. NULL is allowed and does
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_fold_turn_free(turn: *mut FoldTurn) {
    // SAFETY: NULL or a turn, which the caller uses no more.
    unsafe { take_back(turn) }
}
