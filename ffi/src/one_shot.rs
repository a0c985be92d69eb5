//! Calls that need no handle.

use std::ffi::{c_char, c_void};

use crate::argument::{Arguments, put};
use crate::buffer;
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::position::Position;
use crate::version::DocumentVersion;

/// Replaces the whole file at path, so that it survives a power cut. Creates
/// missing parent directories. version_out may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_save(
    path: *const c_char,
    data: *const c_void,
    len: usize,
    version_out: *mut DocumentVersion,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "save", || {
        let arguments = Arguments::of("save");
        // SAFETY: as the header says of every argument.
        let (path, bytes) = unsafe {
            let path = arguments.file(path, "path")?;
            let bytes = arguments.on(&path).bytes(data, len, "data")?;
            (path, bytes)
        };
        let version = untorn::save(path, bytes)?;
        // SAFETY: NULL or a place for it.
        unsafe { put(version_out, version.into()) };
        Ok(())
    })
}

/// Reads the document at path. See untorn_document_load().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_load(
    path: *const c_char,
    data_out: *mut *mut u8,
    len_out: *mut usize,
    version_out: *mut DocumentVersion,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "load", || {
        let arguments = Arguments::of("load");
        // SAFETY: as the header says of every argument.
        let (path, data_out, len_out) = unsafe {
            let path = arguments.file(path, "path")?;
            let arguments = arguments.on(&path);
            let data_out = arguments.output(data_out, "data_out")?;
            let len_out = arguments.output(len_out, "len_out")?;
            (path, data_out, len_out)
        };
        let (bytes, version) = untorn::load(path)?;
        buffer::give(&bytes, data_out, len_out);
        // SAFETY: NULL or a place for it.
        unsafe { put(version_out, version.into()) };
        Ok(())
    })
}

/// Appends one JSON record to the journal at path, so that it survives a power
/// cut. Creates missing parent directories. position_out may be NULL. For more
/// than a few records, keep a journal open.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_append(
    path: *const c_char,
    record: *const c_void,
    len: usize,
    position_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "append", || {
        let arguments = Arguments::of("append");
        // SAFETY: as the header says of every argument.
        let (path, record) = unsafe {
            let path = arguments.file(path, "path")?;
            let record = arguments.on(&path).bytes(record, len, "record")?;
            (path, record)
        };
        let position = untorn::append(path, record)?;
        // SAFETY: NULL or a place for it.
        unsafe { put(position_out, position.into()) };
        Ok(())
    })
}
