//! The process that holds a lock.

use std::ffi::c_char;

use crate::argument::{Arguments, take_back};
use crate::code::Code;
use crate::error::Error;
use crate::guard::{guard, quietly};
use crate::known_holder::Holder;
use crate::process::{self, UNTORN_ALIVE_UNKNOWN};
use crate::text::pointer;

/// Finds out which process holds the lock of the file at path now. *holder_out is
/// NULL if no process does, or if the holder is not known; else free it with
/// untorn_holder_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lock_holder(
    path: *const c_char,
    holder_out: *mut *mut Holder,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "holder", || {
        let arguments = Arguments::of("holder");
        // SAFETY: as the header says of every argument.
        let (path, holder_out) = unsafe {
            let path = arguments.file(path, "path")?;
            (path, arguments.output(holder_out, "holder_out")?)
        };
        match untorn::holder(path)? {
            Some(holder) => holder_out.give(Holder::new(holder)),
            None => holder_out.put(std::ptr::null_mut()),
        }
        Ok(())
    })
}

/// Returns the pid of the process; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_pid(holder: *const Holder) -> u32 {
    // SAFETY: NULL or a holder.
    unsafe { holder.as_ref() }.map_or(0, |holder| holder.core.pid)
}

/// Returns when the process started, in the system's own unit (clock ticks since
/// boot on Linux); 0 if it is not known. Together with pid, boot and host this
/// identifies one process, which no later process can have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_start(holder: *const Holder) -> u64 {
    // SAFETY: NULL or a holder.
    unsafe { holder.as_ref() }
        .and_then(|holder| holder.core.start)
        .unwrap_or(0)
}

/// Returns the label that the holder chose, or NULL if it chose none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_label(holder: *const Holder) -> *const c_char {
    // SAFETY: NULL or a holder.
    pointer(unsafe { holder.as_ref() }.and_then(|holder| holder.label.as_ref()))
}

/// Returns since when it holds the lock, as RFC 3339 in UTC; NULL if unknown.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_since(holder: *const Holder) -> *const c_char {
    // SAFETY: NULL or a holder.
    pointer(unsafe { holder.as_ref() }.and_then(|holder| holder.since.as_ref()))
}

/// Returns the host of the process; NULL if unknown.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_host(holder: *const Holder) -> *const c_char {
    // SAFETY: NULL or a holder.
    pointer(unsafe { holder.as_ref() }.and_then(|holder| holder.host.as_ref()))
}

/// Returns the id of the machine's boot in which it runs; NULL if unknown.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_boot(holder: *const Holder) -> *const c_char {
    // SAFETY: NULL or a holder.
    pointer(unsafe { holder.as_ref() }.and_then(|holder| holder.boot.as_ref()))
}

/// Checks whether the process lives now: UNTORN_ALIVE, UNTORN_DEAD or
/// UNTORN_ALIVE_UNKNOWN. It compares the start, not only the pid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_alive(holder: *const Holder) -> i32 {
    // SAFETY: NULL or a holder.
    let Some(holder) = (unsafe { holder.as_ref() }) else {
        return UNTORN_ALIVE_UNKNOWN;
    };
    quietly(UNTORN_ALIVE_UNKNOWN, || process::alive(holder.core.alive()))
}

/// Frees a holder from untorn_lock_holder(). NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_free(holder: *mut Holder) {
    // SAFETY: NULL or a holder of the caller's, who uses it no more.
    unsafe { take_back(holder) }
}
