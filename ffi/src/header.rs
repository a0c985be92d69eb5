//! The header of a journal.

use std::ffi::c_void;

use untorn::Result;

use crate::argument::{Arguments, put};
use crate::buffer;
use crate::bytes::{self, Bytes};
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::journal::Journal;
use crate::place::both;
use crate::position::Position;

/// Reads the header, without its padding. *data_out is NULL if the journal has
/// none; else free it with untorn_buffer_free(*data_out). Takes no
/// lock, and never sees half a stamp.
///
/// UNTORN_INVALID_ARGUMENT if the journal was opened without header_prefix.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_header(
    journal: *const Journal,
    data_out: *mut *mut u8,
    len_out: *mut usize,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "header", || {
        let arguments = Arguments::of("header");
        // SAFETY: as the header says of every argument.
        let (journal, data_out, len_out) = unsafe {
            let journal = arguments.object(journal, "journal")?;
            let arguments = arguments.on(journal.path());
            (
                journal,
                arguments.output(data_out, "data_out")?,
                arguments.output(len_out, "len_out")?,
            )
        };
        match both!(&journal.core, core => core.header())? {
            Some(header) => buffer::give(&header, data_out, len_out),
            None => {
                data_out.put(std::ptr::null_mut());
                len_out.put(0);
            }
        }
        Ok(())
    })
}

/// Changes the header, or adds one. A header that fits in the place of the old
/// one is written there; else the whole journal is rewritten.
///
/// UNTORN_INVALID_RECORD if the header does not begin with header_prefix, ends in
/// a space, or could not be a record. After a failure the header is unchanged.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_set_header(
    journal: *const Journal,
    header: *const c_void,
    len: usize,
    call: *const CallOptions,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "append", || {
        // SAFETY: as the header says of every argument.
        unsafe {
            append(
                journal,
                header,
                len,
                std::ptr::null(),
                0,
                call,
                std::ptr::null_mut(),
            )
        }
    })
}

/// Changes the header and appends count records in one step. If a process dies,
/// both have happened or neither. Writes the position just after the last record
/// (position_out may be NULL).
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_append_with_header(
    journal: *const Journal,
    header: *const c_void,
    len: usize,
    records: *const Bytes,
    count: usize,
    call: *const CallOptions,
    position_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "append", || {
        // SAFETY: as the header says of every argument.
        unsafe { append(journal, header, len, records, count, call, position_out) }
    })
}

/// # Safety
/// The arguments of the function above.
unsafe fn append(
    journal: *const Journal,
    header: *const c_void,
    len: usize,
    records: *const Bytes,
    count: usize,
    call: *const CallOptions,
    position_out: *mut Position,
) -> Result<()> {
    let arguments = Arguments::of("append");
    // SAFETY: the caller's promise.
    let (journal, batch, call) = unsafe {
        let journal = arguments.object(journal, "journal")?;
        let arguments = arguments.on(journal.path());
        let call = call::read(call, &arguments)?;
        let mut batch = bytes::fill(
            both!(&journal.core, core => core.batch()),
            records,
            count,
            &arguments,
        )?;
        batch.set_header(arguments.bytes(header, len, "header")?)?;
        (journal, batch, call)
    };
    let position = both!(&journal.core, core => core.append_batch(&batch, None, &call))?;
    // SAFETY: NULL or a place for it.
    unsafe { put(position_out, position.into()) };
    Ok(())
}
