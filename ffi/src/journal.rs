//! Journals.

use std::ffi::{CString, c_char, c_void};
use std::path::Path;

use untorn::{Journal as CoreJournal, Result};
use untorn_postgres::Journal as EngineJournal;

use crate::argument::{Arguments, put, take_back};
use crate::bytes::{Bytes, fill};
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::error::Error;
use crate::guard::{guard, quietly};
use crate::option_structs::{self, JournalOptions};
use crate::options;
use crate::place::{Place, both};
use crate::position::Position;
use crate::records::{Records, RecordsOptions};
use crate::report::Report;
use crate::text::{c_path, pointer};

/// A journal: an append-only file of one-line records. Any number of processes
/// and threads append to it. One handle serves many threads, and commits together
/// what they append at the same time. The handle stays with the path: if the file
/// is replaced, rotated or deleted, the next append goes to the file that then
/// has the name.
pub struct Journal {
    pub(crate) core: Place<CoreJournal, EngineJournal>,
    path: CString,
}

impl Journal {
    pub(crate) fn new(core: Place<CoreJournal, EngineJournal>) -> Journal {
        Journal {
            path: c_path(path_of(&core)),
            core,
        }
    }

    /// Returns the path, or the name in the database.
    #[inline]
    pub(crate) fn path(&self) -> &Path {
        path_of(&self.core)
    }

    /// Returns the journal for a verb that only files have.
    pub(crate) fn files(&self, operation: &'static str) -> Result<&CoreJournal> {
        self.core.files(operation, self.path())
    }
}

#[inline]
fn path_of(core: &Place<CoreJournal, EngineJournal>) -> &Path {
    match core {
        Place::Files(journal) => journal.path(),
        Place::Database(journal) => journal.name(),
    }
}

/// Opens the journal at path. This resolves symbolic links; the first append
/// creates the file. Close it with untorn_journal_close().
///
/// UNTORN_NOT_FOUND if the directory is missing (or the file, if create is 0).
/// UNTORN_INVALID_ARGUMENT if the path names something other than a regular file.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_open(
    path: *const c_char,
    options: *const JournalOptions,
    journal_out: *mut *mut Journal,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "open", || {
        let arguments = Arguments::of("open");
        // SAFETY: as the header says of every argument.
        let (path, options, journal_out) = unsafe {
            let path = arguments.file(path, "path")?;
            let options = options::read(options, &arguments.on(&path))?;
            (path, options, arguments.output(journal_out, "journal_out")?)
        };
        let arguments = arguments.on(&path);
        // SAFETY: as the header says of every argument.
        let core = unsafe { option_structs::journal(&options, &arguments)? }.open(&path)?;
        journal_out.give(Journal::new(Place::Files(core)));
        Ok(())
    })
}

/// Returns the path of the file, with every symbolic link resolved, in the
/// encoding of file names; for a journal in a database its name: schema, key and
/// file. The string belongs to the journal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_path(journal: *const Journal) -> *const c_char {
    // SAFETY: NULL or a journal.
    pointer(unsafe { journal.as_ref() }.map(|journal| &journal.path))
}

/// Appends one record, without a newline. Writes the position just after it to
/// position_out (may be NULL).
///
/// UNTORN_INVALID_RECORD: the record is not one JSON value in UTF-8, or contains
/// a newline. UNTORN_LIMIT_EXCEEDED: it is longer than max_record. After these,
/// UNTORN_LOCK_TIMEOUT, UNTORN_STORAGE_FULL and other failures the journal is
/// unchanged. UNTORN_NOT_DURABLE: the record is in the file, but a power cut may
/// lose it. From then on calls return UNTORN_POISONED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_append(
    journal: *const Journal,
    record: *const c_void,
    len: usize,
    call: *const CallOptions,
    position_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "append", || {
        let arguments = Arguments::of("append");
        // SAFETY: as the header says of every argument.
        let (journal, record, call) = unsafe {
            let journal = arguments.object(journal, "journal")?;
            let arguments = arguments.on(journal.path());
            let record = arguments.bytes(record, len, "record")?;
            (journal, record, call::read(call, &arguments)?)
        };
        let position = both!(&journal.core, core => core.append_with(record, &call))?;
        // SAFETY: NULL or a place for it.
        unsafe { put(position_out, position.into()) };
        Ok(())
    })
}

/// Appends count records next to each other. If a process dies, all of them are
/// in the file or none. (After a power cut a part of them may be.) Writes the
/// position just after the last. With count 0 it takes the lock and appends
/// nothing.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_append_all(
    journal: *const Journal,
    records: *const Bytes,
    count: usize,
    call: *const CallOptions,
    position_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "append", || {
        // SAFETY: as the header says of every argument.
        unsafe { append_many(journal, records, count, None, call, position_out) }
    })
}

/// Appends count records as untorn_journal_append_all() does, but only if the
/// journal ends at expected (compare-and-swap). Else UNTORN_CONFLICT, and
/// untorn_error_position() has the actual end.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_append_at(
    journal: *const Journal,
    expected: Position,
    records: *const Bytes,
    count: usize,
    call: *const CallOptions,
    position_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "append", || {
        // SAFETY: as the header says of every argument.
        unsafe { append_many(journal, records, count, Some(expected), call, position_out) }
    })
}

/// # Safety
/// The arguments of the two functions above.
unsafe fn append_many(
    journal: *const Journal,
    records: *const Bytes,
    count: usize,
    expected: Option<Position>,
    call: *const CallOptions,
    position_out: *mut Position,
) -> Result<()> {
    let arguments = Arguments::of("append");
    // SAFETY: the caller's promise.
    let (journal, batch, call) = unsafe {
        let journal = arguments.object(journal, "journal")?;
        let arguments = arguments.on(journal.path());
        let batch = both!(&journal.core, core => core.batch());
        let batch = fill(batch, records, count, &arguments)?;
        (journal, batch, call::read(call, &arguments)?)
    };
    let expected = expected.map(Into::into);
    let position = both!(&journal.core, core => core.append_batch(&batch, expected, &call))?;
    // SAFETY: NULL or a place for it.
    unsafe { put(position_out, position.into()) };
    Ok(())
}

/// Finds out where the last whole record ends. Takes no lock: an append that is
/// running may be counted or not.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_end(
    journal: *const Journal,
    position_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "end", || {
        let arguments = Arguments::of("end");
        // SAFETY: as the header says of every argument.
        let (journal, position_out) = unsafe {
            let journal = arguments.object(journal, "journal")?;
            let arguments = arguments.on(journal.path());
            (journal, arguments.output(position_out, "position_out")?)
        };
        position_out.put(both!(&journal.core, core => core.end())?.into());
        Ok(())
    })
}

/// Begins to read the records in file order. Takes no lock. Uses constant memory:
/// a few hundred KiB and one record. The cursor is independent of the handle.
/// Free it with untorn_records_free().
///
/// UNTORN_CONFLICT if the option start is not a position of this file.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_records(
    journal: *const Journal,
    options: *const RecordsOptions,
    records_out: *mut *mut Records,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "read", || {
        let arguments = Arguments::of("read");
        // SAFETY: as the header says of every argument.
        let (journal, options, records_out) = unsafe {
            let journal = arguments.object(journal, "journal")?;
            let arguments = arguments.on(journal.path());
            let options = options::read(options, &arguments)?;
            (
                journal,
                options,
                arguments.output(records_out, "records_out")?,
            )
        };
        let start = options.start.into();
        let records = both!(&journal.core, core => core.records_from(start))?;
        records_out.give(Records::of_file(options.limit(records)));
        Ok(())
    })
}

/// Reads the last count records, oldest first. It reads backwards from the end,
/// so the cost does not depend on the journal's length. The records are read now,
/// and kept in memory until untorn_records_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_tail(
    journal: *const Journal,
    count: usize,
    records_out: *mut *mut Records,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "tail", || {
        let arguments = Arguments::of("tail");
        // SAFETY: as the header says of every argument.
        let (journal, records_out) = unsafe {
            let journal = arguments.object(journal, "journal")?;
            let arguments = arguments.on(journal.path());
            (journal, arguments.output(records_out, "records_out")?)
        };
        let records = both!(&journal.core, core => core.tail(count))?;
        records_out.give(Records::of_list(records));
        Ok(())
    })
}

/// Checks every record. Takes no lock and changes nothing. A torn tail may be an
/// append that is running. Free the report with untorn_report_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_verify(
    journal: *const Journal,
    call: *const CallOptions,
    report_out: *mut *mut Report,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "verify", || {
        let arguments = Arguments::of("verify");
        // SAFETY: as the header says of every argument.
        let (journal, report_out, call, progress) = unsafe {
            let journal = arguments.object(journal, "journal")?;
            let arguments = arguments.on(journal.path());
            let report_out = arguments.output(report_out, "report_out")?;
            let progress = call::report(call, &arguments)?;
            (journal, report_out, call::read(call, &arguments)?, progress)
        };
        let call = call::with(call, &progress);
        let report = both!(&journal.core, core => core.verify_with(&call))?;
        report_out.give(Report::new(report));
        Ok(())
    })
}

/// Repairs the tail as the next append would, then checks every record. It
/// reports damage before the tail, but never cuts it. report_out may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_repair(
    journal: *const Journal,
    call: *const CallOptions,
    report_out: *mut *mut Report,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "repair", || {
        let arguments = Arguments::of("repair");
        // SAFETY: as the header says of every argument.
        let (journal, call, progress) = unsafe {
            let journal = arguments.object(journal, "journal")?;
            let arguments = arguments.on(journal.path());
            let progress = call::report(call, &arguments)?;
            (journal, call::read(call, &arguments)?, progress)
        };
        let call = call::with(call, &progress);
        let report = journal.files("repair")?.repair_with(&call)?;
        // SAFETY: NULL or a place for it.
        if let Ok(report_out) = unsafe { arguments.output(report_out, "report_out") } {
            report_out.give(Report::new(report));
        }
        Ok(())
    })
}

/// Makes everything that the file contains now survive a power cut, including
/// what other processes wrote.
///
/// UNTORN_NOT_DURABLE: it may not survive. From then on calls return
/// UNTORN_POISONED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_sync(
    journal: *const Journal,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "sync", || {
        // SAFETY: as the header says of every argument.
        let journal = unsafe { Arguments::of("sync").object(journal, "journal")? };
        both!(&journal.core, core => core.sync())
    })
}

/// Closes a journal and frees the handle. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_close(journal: *mut Journal) {
    // SAFETY: NULL or a journal.
    if let Some(journal) = unsafe { journal.as_ref() } {
        // The cursors that follow it end with it. That can't fail.
        quietly((), || match &journal.core {
            Place::Files(core) => drop(core.close()),
            Place::Database(core) => core.close(),
        });
    }
    // SAFETY: as above, and the caller uses it no more.
    unsafe { take_back(journal) }
}
