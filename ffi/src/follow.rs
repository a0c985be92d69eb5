//! Follows a journal: returns its records as they are appended.

use untorn::{Damage, Follow as CoreFollow, FollowItem, OwnedRecord};

use crate::argument::{Arguments, put, take_back};
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::damage;
use crate::error::Error;
use crate::guard::{guard, quietly};
use crate::journal::Journal;
use crate::place::both;
use crate::position::Position;

/// No record came within the call's timeout, or the journal was closed.
pub const UNTORN_FOLLOW_NOTHING: i32 = 0;
/// A record.
pub const UNTORN_FOLLOW_RECORD: i32 = 1;
/// The journal was rewound, rewritten or replaced. The file no longer contains
/// what it had from *start_out to *end_out.
pub const UNTORN_FOLLOW_REWOUND: i32 = 2;

/// A cursor that follows a journal. Only one thread may use it at a time. It is
/// independent of the journal's handle, but ends when that is closed.
pub struct Follow {
    core: CoreFollow,
    /// The record that the caller sees now.
    current: Option<OwnedRecord>,
    /// The damage that was skipped before that record.
    damage: Vec<Damage>,
}

/// Follows the journal from start on (NULL: from its end on). Returns the records
/// that exist after start, and then those that any process appends, through
/// rotation and rewind. Takes no lock. Free it with untorn_follow_free().
///
/// UNTORN_CONFLICT if start is in the middle of a record or after the end.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_follow(
    journal: *const Journal,
    start: *const Position,
    follow_out: *mut *mut Follow,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "follow", || {
        let arguments = Arguments::of("follow");
        // SAFETY: as the header says of every argument.
        let (journal, start, follow_out) = unsafe {
            let journal = arguments.object(journal, "journal")?;
            let arguments = arguments.on(journal.path());
            let follow_out = arguments.output(follow_out, "follow_out")?;
            (journal, start.as_ref(), follow_out)
        };
        let start = start.map(|start| (*start).into());
        follow_out.give(Follow {
            core: both!(&journal.core, core => core.follow(start))?,
            current: None,
            damage: Vec::new(),
        });
        Ok(())
    })
}

/// Waits for the next record: *kind_out is a UNTORN_FOLLOW_ number. For a record,
/// *data_out and *len_out are its bytes without the newline. They belong to the
/// cursor and stay valid until its next use. start_out and end_out (each may be
/// NULL) receive where the record begins, and where reading continues after it.
/// The timeout of call limits the wait: 0 takes only what exists now, and -1 and
/// UNTORN_TIMEOUT_OF_HANDLE wait without a limit.
///
/// UNTORN_CANCELLED ends the wait. The next call continues at the same place.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_follow_next(
    follow: *mut Follow,
    call: *const CallOptions,
    kind_out: *mut i32,
    data_out: *mut *const u8,
    len_out: *mut usize,
    start_out: *mut Position,
    end_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "follow", || {
        let arguments = Arguments::of("follow");
        // SAFETY: as the header says of every argument.
        let (follow, call, kind_out, data_out, len_out) = unsafe {
            (
                arguments.object_mut(follow, "follow")?,
                call::read(call, &arguments)?,
                arguments.output(kind_out, "kind_out")?,
                arguments.output(data_out, "data_out")?,
                arguments.output(len_out, "len_out")?,
            )
        };
        follow.current = None;
        let next = follow.core.next(&call)?;
        follow.damage = follow.core.take_damage();
        let (kind, places) = match next {
            Some(FollowItem::Record(record)) => {
                let places = (record.start, record.end);
                follow.current = Some(record);
                (UNTORN_FOLLOW_RECORD, Some(places))
            }
            Some(FollowItem::Rewound { from, to }) => (UNTORN_FOLLOW_REWOUND, Some((to, from))),
            _ => (UNTORN_FOLLOW_NOTHING, None),
        };
        let bytes = follow.current.as_ref().map(|record| &record.bytes[..]);
        kind_out.put(kind);
        data_out.put(bytes.map_or(std::ptr::null(), <[u8]>::as_ptr));
        len_out.put(bytes.map_or(0, <[u8]>::len));
        if let Some((start, end)) = places {
            // SAFETY: NULL or places for them.
            unsafe {
                put(start_out, start.into());
                put(end_out, end.into());
            }
        }
        Ok(())
    })
}

/// Returns the position after the last record that was returned, which you can
/// store. untorn_journal_follow() continues from there. All zero for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_follow_position(follow: *const Follow) -> Position {
    // SAFETY: NULL or a cursor.
    match unsafe { follow.as_ref() } {
        Some(follow) => follow.core.position().into(),
        None => Position {
            generation: 0,
            offset: 0,
        },
    }
}

/// Returns whether the journal's handle was closed, which ends the cursor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_follow_is_closed(follow: *const Follow) -> bool {
    // SAFETY: NULL or a cursor.
    unsafe { follow.as_ref() }.is_some_and(|follow| quietly(false, || follow.core.is_closed()))
}

/// Writes the damaged stretch number index, from 0, of those that the last
/// untorn_follow_next() skipped. See untorn_records_damage().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_follow_damage(
    follow: *const Follow,
    index: usize,
    kind_out: *mut i32,
    offset_out: *mut u64,
    length_out: *mut u64,
) -> bool {
    // SAFETY: NULL or a cursor.
    let list = unsafe { follow.as_ref() }.map_or(&[][..], |follow| &follow.damage);
    // SAFETY: each NULL or a place for it.
    unsafe { damage::give(list, index, kind_out, offset_out, length_out) }
}

/// Frees a cursor. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_follow_free(follow: *mut Follow) {
    // SAFETY: NULL or a cursor, which the caller uses no more.
    unsafe { take_back(follow) }
}
