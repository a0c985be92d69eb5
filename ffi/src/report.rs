//! The result of a check.

use crate::argument::{put, take_back};
use crate::damage;
use crate::position::Position;

/// The result of untorn_journal_verify() or untorn_journal_repair().
pub struct Report {
    core: untorn::Report,
}

impl Report {
    pub(crate) fn new(core: untorn::Report) -> Report {
        Report { core }
    }
}

/// Returns the number of good records.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_report_records(report: *const Report) -> u64 {
    // SAFETY: NULL or a report.
    unsafe { report.as_ref() }.map_or(0, |report| report.core.records)
}

/// Returns whether the journal has a header, which is not a record.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_report_has_header(report: *const Report) -> bool {
    // SAFETY: NULL or a report.
    unsafe { report.as_ref() }.is_some_and(|report| report.core.header)
}

/// Returns the number of good records without a seal, in a sealed journal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_report_unsealed(report: *const Report) -> u64 {
    // SAFETY: NULL or a report.
    unsafe { report.as_ref() }.map_or(0, |report| report.core.unsealed)
}

/// Returns the number of bytes that were checked: the length of the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_report_bytes(report: *const Report) -> u64 {
    // SAFETY: NULL or a report.
    unsafe { report.as_ref() }.map_or(0, |report| report.core.bytes)
}

/// Returns where the last whole line ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_report_end(report: *const Report) -> Position {
    // SAFETY: NULL or a report.
    unsafe { report.as_ref() }.map_or(
        Position {
            generation: 0,
            offset: 0,
        },
        |report| report.core.end.into(),
    )
}

/// Returns the number of damaged stretches.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_report_damage_count(report: *const Report) -> u64 {
    // SAFETY: NULL or a report.
    unsafe { report.as_ref() }.map_or(0, |report| report.core.damage_count)
}

/// Writes the damaged stretch number index. See untorn_records_damage().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_report_damage(
    report: *const Report,
    index: usize,
    kind_out: *mut i32,
    offset_out: *mut u64,
    length_out: *mut u64,
) -> bool {
    // SAFETY: NULL or a report.
    let list = unsafe { report.as_ref() }.map_or(&[][..], |report| &report.core.damage);
    // SAFETY: each NULL or a place for it.
    unsafe { damage::give(list, index, kind_out, offset_out, length_out) }
}

/// Returns the line of the damaged stretch number index, from 1, or 0 if the report
/// has no such stretch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_report_damage_line(report: *const Report, index: usize) -> u64 {
    // SAFETY: NULL or a report.
    unsafe { report.as_ref() }
        .and_then(|report| report.core.damage.get(index)?.line)
        .unwrap_or(0)
}

/// Returns whether the next append, or untorn_journal_repair(), mends the damaged
/// stretch number index: it is at the end of the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_report_damage_is_repairable(
    report: *const Report,
    index: usize,
) -> bool {
    // SAFETY: NULL or a report.
    unsafe { report.as_ref() }
        .and_then(|report| report.core.damage.get(index))
        .is_some_and(|damage| damage.repairable)
}

/// Writes the note number index: a sound stretch that other programs stumble over, such
/// as a byte order mark. A report has the first place of each kind. *line_out counts
/// from 1. See untorn_records_damage() for the rest.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_report_note(
    report: *const Report,
    index: usize,
    kind_out: *mut i32,
    offset_out: *mut u64,
    length_out: *mut u64,
    line_out: *mut u64,
) -> bool {
    // SAFETY: NULL or a report.
    let list = unsafe { report.as_ref() }.map_or(&[][..], |report| &report.core.notes);
    if let Some(line) = list.get(index).and_then(|note| note.line) {
        // SAFETY: NULL or a place for it.
        unsafe { put(line_out, line) };
    }
    // SAFETY: each NULL or a place for it.
    unsafe { damage::give(list, index, kind_out, offset_out, length_out) }
}

/// Writes what untorn_journal_repair() did: where the torn tail began, and how many
/// bytes were cut and kept in path.torn. *newline_added_out is whether the tail was
/// a whole record that lacked only its newline. Each output may be NULL. Returns
/// false and writes nothing if no repair was needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_report_repaired(
    report: *const Report,
    offset_out: *mut u64,
    cut_out: *mut u64,
    newline_added_out: *mut bool,
) -> bool {
    // SAFETY: NULL or a report.
    let Some(repair) = unsafe { report.as_ref() }.and_then(|report| report.core.repaired) else {
        return false;
    };
    // SAFETY: each NULL or a place for it.
    unsafe {
        put(offset_out, repair.offset);
        put(cut_out, repair.cut);
        put(newline_added_out, repair.newline_added);
    }
    true
}

/// Frees a report. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_report_free(report: *mut Report) {
    // SAFETY: NULL or a report, which the caller uses no more.
    unsafe { take_back(report) }
}
