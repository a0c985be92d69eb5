//! Rewrites of a journal: a new file takes its place.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;

use untorn::Result;

use crate::argument::{Arguments, Output, put, take_back};
use crate::bytes::{self, Bytes};
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::journal::Journal;
use crate::place::{Place, both, each};
use crate::position::Position;
use crate::records::Records;
use crate::text;

/// A rewrite of a journal. No other process changes the journal until this is
/// committed or freed. It may be handed to another thread, but only one thread
/// may use it at a time. It is independent of the journal's handle.
pub struct Rewrite {
    core: Place<untorn::Rewrite, untorn_postgres::Rewrite>,
}

/// The journal and the call.
///
/// # Safety
/// As the header says of both.
unsafe fn of<'a>(
    operation: &'static str,
    journal: *const Journal,
    call: *const CallOptions,
) -> Result<(&'a Journal, untorn::CallOptions<'a>)> {
    let arguments = Arguments::of(operation);
    // SAFETY: the caller's promise.
    unsafe {
        let journal = arguments.object(journal, "journal")?;
        let call = call::read(call, &arguments.on(journal.path()))?;
        Ok((journal, call))
    }
}

/// Writes a path to an output that may be NULL. Without a path it writes NULL.
fn give(path_out: Result<Output<*mut c_char>>, path: Option<PathBuf>) {
    if let Ok(path_out) = path_out {
        path_out.put(path.map_or(std::ptr::null_mut(), |path| text::give_path(&path)));
    }
}

/// Rewinds the journal to a position: removes every record after it. A rotated
/// file keeps the whole journal as it was. *path_out (may be NULL) is its path,
/// which you free with untorn_string_free(), or NULL if no record follows the
/// position. In a database it is the name of a file of the session. The header stays.
/// From then on the journal is a new file, which refuses older positions.
///
/// UNTORN_CONFLICT if the position is not one of this file's;
/// untorn_error_position() is where the journal ends. After other failures the
/// journal is unchanged.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_rewind(
    journal: *const Journal,
    position: Position,
    call: *const CallOptions,
    path_out: *mut *mut c_char,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "rewind", || {
        // SAFETY: as the header says of every argument.
        let ((journal, call), path_out) = unsafe {
            let path_out = Arguments::of("rewind").output(path_out, "path_out");
            (of("rewind", journal, call)?, path_out)
        };
        let to = position.into();
        let rotated = match &journal.core {
            Place::Files(core) => core.rewind_with(to, &call)?,
            Place::Database(core) => core.rewind_with(to, &call)?.map(PathBuf::from),
        };
        give(path_out, rotated);
        Ok(())
    })
}

/// Rotates the journal: the records move to a rotated file, and a new, empty
/// journal begins, with the same header if it has one. Rotated files are named
/// name_1.ext, name_2.ext, ...; numbers only grow. *path_out (may be NULL) is the
/// file's path, which you free with untorn_string_free(), or NULL if the journal
/// had no records. In a database it is the name of a file of the session.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_rotate(
    journal: *const Journal,
    call: *const CallOptions,
    path_out: *mut *mut c_char,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "rotate", || {
        // SAFETY: as the header says of every argument.
        let ((journal, call), path_out) = unsafe {
            let path_out = Arguments::of("rotate").output(path_out, "path_out");
            (of("rotate", journal, call)?, path_out)
        };
        let rotated = match &journal.core {
            Place::Files(core) => core.rotate_with(&call)?,
            Place::Database(core) => core.rotate_with(&call)?.map(PathBuf::from),
        };
        give(path_out, rotated);
        Ok(())
    })
}

/// Empties the journal: neither records nor a header stay. A rotated file keeps
/// the whole journal as it was. *path_out (may be NULL) is the file's path, which
/// you free with untorn_string_free(), or NULL if the journal was empty or
/// missing. untorn_journal_rotate() does the same, but the header stays.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_clear(
    journal: *const Journal,
    call: *const CallOptions,
    path_out: *mut *mut c_char,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "clear", || {
        // SAFETY: as the header says of every argument.
        let ((journal, call), path_out) = unsafe {
            let path_out = Arguments::of("clear").output(path_out, "path_out");
            (of("clear", journal, call)?, path_out)
        };
        let rotated = match &journal.core {
            Place::Files(core) => core.clear_with(&call)?,
            Place::Database(core) => core.clear_with(&call)?.map(PathBuf::from),
        };
        give(path_out, rotated);
        Ok(())
    })
}

/// Replaces all records by count others: all of them or none. The header stays.
/// Writes the position just after the last (position_out may be NULL). The old
/// records are deleted; untorn_journal_rotate() keeps them.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_replace(
    journal: *const Journal,
    records: *const Bytes,
    count: usize,
    call: *const CallOptions,
    position_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "replace", || {
        // SAFETY: as the header says of every argument.
        let (journal, batch, call, progress) = unsafe {
            let given = call;
            let (journal, call) = of("replace", journal, given)?;
            let arguments = Arguments::of("replace");
            let arguments = arguments.on(journal.path());
            let batch = both!(&journal.core, core => core.batch());
            let batch = bytes::fill(batch, records, count, &arguments)?;
            (journal, batch, call, call::report(given, &arguments)?)
        };
        let call = call::with(call, &progress);
        let position = both!(&journal.core, core => core.replace_batch(&batch, &call))?;
        // SAFETY: NULL or a place for it.
        unsafe { put(position_out, position.into()) };
        Ok(())
    })
}

/// Takes the lock, to rewrite the journal whole or not at all. Read
/// untorn_rewrite_records(), pass each new record to untorn_rewrite_push(), then
/// call untorn_rewrite_commit(), and untorn_rewrite_free() in any case. Appends
/// of other processes wait, and then go into the new file. In a database nothing is
/// locked: they come after the new records, and the commit is UNTORN_CONFLICT if another
/// process rewrote the journal.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_begin_rewrite(
    journal: *const Journal,
    call: *const CallOptions,
    rewrite_out: *mut *mut Rewrite,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "compact", || {
        // SAFETY: as the header says of every argument.
        let ((journal, call), rewrite_out) = unsafe {
            let rewrite_out = Arguments::of("compact").output(rewrite_out, "rewrite_out")?;
            (of("compact", journal, call)?, rewrite_out)
        };
        rewrite_out.give(Rewrite {
            core: each!(&journal.core, core => core.begin_rewrite(&call)?),
        });
        Ok(())
    })
}

/// Returns how many bytes the journal has that is rewritten; 0 for NULL. With the end
/// of the record at hand, it tells how far the work is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_rewrite_old_bytes(rewrite: *const Rewrite) -> u64 {
    // SAFETY: NULL or a rewrite.
    unsafe { rewrite.as_ref() }.map_or(0, |rewrite| both!(&rewrite.core, core => core.old_bytes()))
}

/// Begins to read the records as they are before the commit. Free the cursor with
/// untorn_records_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_rewrite_records(
    rewrite: *const Rewrite,
    records_out: *mut *mut Records,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "read", || {
        let arguments = Arguments::of("read");
        // SAFETY: as the header says of every argument.
        let (rewrite, records_out) = unsafe {
            let rewrite = &arguments.object(rewrite, "rewrite")?.core;
            (rewrite, arguments.output(records_out, "records_out")?)
        };
        let records = both!(rewrite, core => core.records())?;
        records_out.give(Records::of_file(records));
        Ok(())
    })
}

/// Adds a record. After UNTORN_INVALID_RECORD or UNTORN_LIMIT_EXCEEDED the record
/// is not added, and you can continue the rewrite.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_rewrite_push(
    rewrite: *mut Rewrite,
    record: *const c_void,
    len: usize,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "compact", || {
        let arguments = Arguments::of("compact");
        // SAFETY: as the header says of every argument.
        let (rewrite, record) = unsafe {
            let rewrite = &mut arguments.object_mut(rewrite, "rewrite")?.core;
            (rewrite, arguments.bytes(record, len, "record")?)
        };
        both!(rewrite, core => core.push(record))
    })
}

/// Puts the pushed records in the journal's place, and writes the position just
/// after the last (position_out may be NULL). Releases the lock, also when it
/// fails. Call it only once; you must still call untorn_rewrite_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_rewrite_commit(
    rewrite: *mut Rewrite,
    position_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "compact", || {
        // SAFETY: as the header says of every argument.
        let rewrite = unsafe { Arguments::of("compact").object_mut(rewrite, "rewrite")? };
        let position = both!(&mut rewrite.core, core => core.commit())?;
        // SAFETY: NULL or a place for it.
        unsafe { put(position_out, position.into()) };
        Ok(())
    })
}

/// Ends a rewrite and frees it. Without an untorn_rewrite_commit() the journal is
/// unchanged. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_rewrite_free(rewrite: *mut Rewrite) {
    // SAFETY: NULL or a rewrite, which the caller uses no more.
    unsafe { take_back(rewrite) }
}
