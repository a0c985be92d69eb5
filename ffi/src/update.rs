//! Read, change and save under one lock.

use std::ffi::c_void;

use crate::argument::{Arguments, put, take_back};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::place::{Place, both};
use crate::version::DocumentVersion;

/// An update of a document. It may be handed to another thread, but only one
/// thread may use it at a time. It is independent of the document's handle.
pub struct Update {
    core: Place<untorn::Update, untorn_postgres::Update>,
}

impl Update {
    pub(crate) fn new(core: Place<untorn::Update, untorn_postgres::Update>) -> Update {
        Update { core }
    }
}

/// Returns the bytes as they were when the lock was taken. *data_out is NULL if
/// the document did not exist. The bytes belong to the update.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_update_value(
    update: *const Update,
    data_out: *mut *const u8,
    len_out: *mut usize,
) {
    // SAFETY: NULL or an update.
    let value =
        unsafe { update.as_ref() }.and_then(|update| both!(&update.core, core => core.value()));
    // SAFETY: each NULL or a place for it.
    unsafe {
        put(data_out, value.map_or(std::ptr::null(), <[u8]>::as_ptr));
        put(len_out, value.map_or(0, <[u8]>::len));
    }
}

/// Writes the version of those bytes. Returns false and writes nothing if the
/// document did not exist.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_update_version(
    update: *const Update,
    version_out: *mut DocumentVersion,
) -> bool {
    // SAFETY: NULL or an update.
    let version =
        unsafe { update.as_ref() }.and_then(|update| both!(&update.core, core => core.version()));
    if let Some(version) = version {
        // SAFETY: NULL or a place for it.
        unsafe { put(version_out, version.into()) };
    }
    version.is_some()
}

/// Saves as untorn_document_save() does, and releases the lock, also when it
/// fails. Call it only once; you must still call untorn_update_finish().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_update_save(
    update: *mut Update,
    data: *const c_void,
    len: usize,
    version_out: *mut DocumentVersion,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "save", || {
        let arguments = Arguments::of("save");
        // SAFETY: as the header says of every argument.
        let (update, bytes) = unsafe {
            let update = arguments.object_mut(update, "update")?;
            (update, arguments.bytes(data, len, "data")?)
        };
        let version = both!(&mut update.core, core => core.save(bytes))?;
        // SAFETY: NULL or a place for it.
        unsafe { put(version_out, version.into()) };
        Ok(())
    })
}

/// Ends an update and frees it. Without an untorn_update_save() nothing changes.
/// NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_update_finish(update: *mut Update) {
    // SAFETY: NULL or an update, which the caller uses no more.
    unsafe { take_back(update) }
}
