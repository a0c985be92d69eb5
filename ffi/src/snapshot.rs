//! Several files as they are at one instant.

use std::ffi::{CString, c_char};

use crate::argument::{Arguments, put, take_back};
use crate::buffer;
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::option_structs::{self, JournalOptions};
use crate::options;
use crate::records::Records;
use crate::text::c_string;
use crate::version::DocumentVersion;

/// The files of a directory as they were at one instant. A snapshot keeps them
/// open and holds no lock: other processes continue to work.
pub struct Snapshot {
    core: untorn::Snapshot,
    names: Vec<CString>,
}

/// Takes all files of dir as they are at one instant. It holds the directory's
/// lock and, for a moment, the locks of all its files. Free the snapshot with
/// untorn_snapshot_free().
///
/// UNTORN_DEADLOCK if this thread holds the lock of one of the files.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_snapshot_take(
    dir: *const c_char,
    call: *const CallOptions,
    snapshot_out: *mut *mut Snapshot,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "snapshot", || {
        let arguments = Arguments::of("snapshot");
        // SAFETY: as the header says of every argument.
        let (dir, call, snapshot_out) = unsafe {
            let dir = arguments.file(dir, "dir")?;
            let call = call::read(call, &arguments.on(&dir))?;
            (dir, call, arguments.output(snapshot_out, "snapshot_out")?)
        };
        let core = untorn::snapshot_with(&dir, &call)?;
        snapshot_out.give(Snapshot {
            names: core.names().map(c_string).collect(),
            core,
        });
        Ok(())
    })
}

/// Returns the name of the file number index, from 0 in sorted order; NULL if the
/// snapshot has fewer. The string belongs to the snapshot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_snapshot_name(
    snapshot: *const Snapshot,
    index: usize,
) -> *const c_char {
    // SAFETY: NULL or a snapshot.
    let name = unsafe { snapshot.as_ref() }.and_then(|snapshot| snapshot.names.get(index));
    name.map_or(std::ptr::null(), |name| name.as_ptr())
}

/// Reads the bytes that a file had, and their version (version_out may be NULL).
/// *data_out is NULL if the file did not exist; else free it with
/// untorn_buffer_free(*data_out).
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_snapshot_load(
    snapshot: *const Snapshot,
    file_name: *const c_char,
    data_out: *mut *mut u8,
    len_out: *mut usize,
    version_out: *mut DocumentVersion,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "load", || {
        let arguments = Arguments::of("load");
        // SAFETY: as the header says of every argument.
        let (snapshot, file_name, data_out, len_out) = unsafe {
            let snapshot = &arguments.object(snapshot, "snapshot")?.core;
            let file_name = arguments.required_text(file_name, "file_name")?;
            let data_out = arguments.output(data_out, "data_out")?;
            (
                snapshot,
                file_name,
                data_out,
                arguments.output(len_out, "len_out")?,
            )
        };
        match snapshot.load(&file_name)? {
            Some((bytes, version)) => {
                buffer::give(&bytes, data_out, len_out);
                // SAFETY: NULL or a place for it.
                unsafe { put(version_out, version.into()) };
            }
            None => {
                data_out.put(std::ptr::null_mut());
                len_out.put(0);
            }
        }
        Ok(())
    })
}

/// Begins to read the records that a journal had. options (NULL: the defaults)
/// says how the journal is opened. The cursor is independent of the snapshot.
/// Free it with untorn_records_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_snapshot_records(
    snapshot: *const Snapshot,
    file_name: *const c_char,
    journal: *const JournalOptions,
    records_out: *mut *mut Records,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "read", || {
        let arguments = Arguments::of("read");
        // SAFETY: as the header says of every argument.
        let (snapshot, file_name, journal, records_out) = unsafe {
            let snapshot = &arguments.object(snapshot, "snapshot")?.core;
            let file_name = arguments.required_text(file_name, "file_name")?;
            let journal = options::read(journal, &arguments)?;
            let journal = option_structs::journal(&journal, &arguments)?;
            let records_out = arguments.output(records_out, "records_out")?;
            (snapshot, file_name, journal, records_out)
        };
        records_out.give(Records::of_file(snapshot.records_as(&file_name, &journal)?));
        Ok(())
    })
}

/// Frees a snapshot. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_snapshot_free(snapshot: *mut Snapshot) {
    // SAFETY: NULL or a snapshot, which the caller uses no more.
    unsafe { take_back(snapshot) }
}
