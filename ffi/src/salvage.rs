//! Salvage of a journal, and what repairs have cut off it.

use std::ffi::{CString, c_char};
use std::time::Duration;

use crate::argument::{Arguments, put, take_back};
use crate::buffer;
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::journal::Journal;
use crate::position::Position;
use crate::text::{c_string, pointer};
use crate::words::damage_kind;

/// The result of a salvage, or its plan.
pub struct Salvage {
    core: untorn::Salvage,
}

/// The bytes that repairs have cut off a journal. The strings that untorn_torn_entry() writes
/// belong to it.
pub struct Torn {
    entries: Vec<(untorn::TornEntry, CString, Option<CString>)>,
}

/// Finds out what untorn_journal_salvage() would do. Takes no lock and changes nothing.
/// Free the result with untorn_salvage_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_salvage_plan(
    journal: *const Journal,
    salvage_out: *mut *mut Salvage,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "salvage", || {
        let arguments = Arguments::of("salvage");
        // SAFETY: as the header says of every argument.
        let (journal, salvage_out) = unsafe {
            let journal = arguments.object(journal, "journal")?.files("salvage")?;
            let arguments = arguments.on(journal.path());
            (journal, arguments.output(salvage_out, "salvage_out")?)
        };
        let core = journal.salvage_plan()?;
        salvage_out.give(Salvage { core });
        Ok(())
    })
}

/// Mends damage before the end of the journal, and throws nothing away. Records that
/// were glued together become a line each, and NULs are removed. Bytes that can't be
/// read go to path.torn, with their place. The torn tail is repaired too. If anything
/// but the tail is mended, the journal is a new file from then on, and earlier
/// positions are refused. salvage_out may be NULL.
///
/// UNTORN_CORRUPT: the file is plainly not a journal.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_salvage(
    journal: *const Journal,
    call: *const CallOptions,
    salvage_out: *mut *mut Salvage,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "salvage", || {
        let arguments = Arguments::of("salvage");
        // SAFETY: as the header says of every argument.
        let (journal, call) = unsafe {
            let journal = arguments.object(journal, "journal")?.files("salvage")?;
            (journal, call::read(call, &arguments.on(journal.path()))?)
        };
        let core = journal.salvage_with(&call)?;
        // SAFETY: NULL or a place for it.
        if let Ok(salvage_out) = unsafe { arguments.output(salvage_out, "salvage_out") } {
            salvage_out.give(Salvage { core });
        }
        Ok(())
    })
}

/// Writes how many damaged lines are mended, how many whole records they had, and how
/// many bytes go to path.torn (without those of the torn tail). Also writes how many NULs
/// go, and how many lines stay damaged since they are longer than max_record. Each output
/// may be NULL. Writes zeros for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_salvage_count(
    salvage: *const Salvage,
    lines_out: *mut u64,
    records_out: *mut u64,
    kept_out: *mut u64,
    nuls_out: *mut u64,
    left_out: *mut u64,
) {
    // SAFETY: NULL or a salvage.
    let core = unsafe { salvage.as_ref() }.map(|salvage| &salvage.core);
    let of = |field: fn(&untorn::Salvage) -> u64| core.map_or(0, field);
    // SAFETY: each NULL or a place for it.
    unsafe {
        put(lines_out, of(|core| core.line_count));
        put(records_out, of(|core| core.records));
        put(kept_out, of(|core| core.kept));
        put(nuls_out, of(|core| core.nuls));
        put(left_out, of(|core| core.left));
    }
}

/// Writes the mended line number index, from 0 and in file order (the first 1,024). Its
/// kind of damage is a UNTORN_DAMAGE_ number. Its start and length in bytes, and its
/// number from 1, are those in the file as it was. Also writes how many whole records it
/// had, how many of its bytes go to path.torn, and how many NULs go. Each output may be
/// NULL. Returns false and writes nothing if the list is shorter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_salvage_line(
    salvage: *const Salvage,
    index: usize,
    kind_out: *mut i32,
    offset_out: *mut u64,
    length_out: *mut u64,
    line_out: *mut u64,
    records_out: *mut u64,
    kept_out: *mut u64,
    nuls_out: *mut u64,
) -> bool {
    // SAFETY: NULL or a salvage.
    let line = unsafe { salvage.as_ref() }.and_then(|salvage| salvage.core.lines.get(index));
    let Some(line) = line else {
        return false;
    };
    // SAFETY: each NULL or a place for it.
    unsafe {
        put(kind_out, damage_kind(line.kind));
        put(offset_out, line.offset);
        put(length_out, line.length);
        put(line_out, line.line);
        put(records_out, line.records);
        put(kept_out, line.kept);
        put(nuls_out, line.nuls);
    }
    true
}

/// Writes how the torn tail is repaired. See untorn_report_repaired().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_salvage_tail(
    salvage: *const Salvage,
    offset_out: *mut u64,
    cut_out: *mut u64,
    newline_added_out: *mut bool,
) -> bool {
    // SAFETY: NULL or a salvage.
    let tail = unsafe { salvage.as_ref() }.and_then(|salvage| salvage.core.tail);
    let Some(tail) = tail else {
        return false;
    };
    // SAFETY: each NULL or a place for it.
    unsafe {
        put(offset_out, tail.offset);
        put(cut_out, tail.cut);
        put(newline_added_out, tail.newline_added);
    }
    true
}

/// Frees the result of a salvage. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_salvage_free(salvage: *mut Salvage) {
    // SAFETY: NULL or a salvage, which the caller uses no more.
    unsafe { take_back(salvage) }
}

/// Lists what repairs and salvages have cut off this journal, oldest first. Free the
/// list with untorn_torn_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_torn(
    journal: *const Journal,
    torn_out: *mut *mut Torn,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "torn", || {
        let arguments = Arguments::of("torn");
        // SAFETY: as the header says of every argument.
        let (journal, torn_out) = unsafe {
            let journal = arguments.object(journal, "journal")?.files("torn")?;
            let arguments = arguments.on(journal.path());
            (journal, arguments.output(torn_out, "torn_out")?)
        };
        let entries = journal.torn()?.into_iter().map(|entry| {
            let time = c_string(&entry.time);
            let why = entry.why.as_deref().map(c_string);
            (entry, time, why)
        });
        let entries = entries.collect();
        torn_out.give(Torn { entries });
        Ok(())
    })
}

/// Writes the entry number index of a list, from 0: its number (from 1) for
/// untorn_journal_torn_bytes(), and when it was cut (RFC 3339 in UTC). Also writes where
/// its bytes were in the journal as it was, how many are kept, and how many NULs followed.
/// The reason is a kind of damage, another reason, or NULL for a torn tail. Each output
/// may be NULL. Returns false and writes nothing if the list is shorter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_torn_entry(
    torn: *const Torn,
    index: usize,
    number_out: *mut u64,
    time_out: *mut *const c_char,
    offset_out: *mut u64,
    length_out: *mut u64,
    nuls_out: *mut u64,
    why_out: *mut *const c_char,
) -> bool {
    // SAFETY: NULL or a list.
    let entry = unsafe { torn.as_ref() }.and_then(|torn| torn.entries.get(index));
    let Some((entry, time, why)) = entry else {
        return false;
    };
    // SAFETY: each NULL or a place for it.
    unsafe {
        put(number_out, entry.number);
        put(time_out, time.as_ptr());
        put(offset_out, entry.offset);
        put(length_out, entry.length);
        put(nuls_out, entry.nuls);
        put(why_out, pointer(why.as_ref()));
    }
    true
}

/// Frees a list of what was cut off. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_torn_free(torn: *mut Torn) {
    // SAFETY: NULL or a list, which the caller uses no more.
    unsafe { take_back(torn) }
}

/// Reads the bytes of one entry. Free them with untorn_buffer_free().
///
/// UNTORN_NOT_FOUND: no entry has this number.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_torn_bytes(
    journal: *const Journal,
    number: u64,
    data_out: *mut *mut u8,
    len_out: *mut usize,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "torn", || {
        let arguments = Arguments::of("torn");
        // SAFETY: as the header says of every argument.
        let (journal, data_out, len_out) = unsafe {
            let journal = arguments.object(journal, "journal")?.files("torn")?;
            let arguments = arguments.on(journal.path());
            (
                journal,
                arguments.output(data_out, "data_out")?,
                arguments.output(len_out, "len_out")?,
            )
        };
        let bytes = journal.torn_bytes(number)?;
        buffer::give(&bytes, data_out, len_out);
        Ok(())
    })
}

/// Gives the bytes of one entry back: appends each line of them as a record, all or
/// none. The entry stays, so a second call appends them again. *end_out (may be NULL) is
/// the position after the last record.
///
/// UNTORN_INVALID_RECORD: a line of it is no record; most entries are half a record.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_restore_torn(
    journal: *const Journal,
    number: u64,
    call: *const CallOptions,
    end_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "append", || {
        let arguments = Arguments::of("append");
        // SAFETY: as the header says of every argument.
        let (journal, call) = unsafe {
            let journal = arguments.object(journal, "journal")?.files("append")?;
            (journal, call::read(call, &arguments.on(journal.path()))?)
        };
        let end = journal.restore_torn_with(number, &call)?;
        // SAFETY: NULL or a place for it.
        unsafe { put(end_out, end.into()) };
        Ok(())
    })
}

/// Forgets entries older than this many milliseconds. *count_out (may be NULL) is how
/// many they were.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_prune_torn(
    journal: *const Journal,
    older_than_ms: u64,
    call: *const CallOptions,
    count_out: *mut u64,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "prune_torn", || {
        let arguments = Arguments::of("prune_torn");
        // SAFETY: as the header says of every argument.
        let (journal, call) = unsafe {
            let journal = arguments.object(journal, "journal")?.files("prune_torn")?;
            (journal, call::read(call, &arguments.on(journal.path()))?)
        };
        let count = journal.prune_torn_with(Duration::from_millis(older_than_ms), &call)?;
        // SAFETY: NULL or a place for it.
        unsafe { put(count_out, count) };
        Ok(())
    })
}
