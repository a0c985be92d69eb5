//! Who holds a lock.

use std::ffi::{CString, c_char};

use crate::argument::{Arguments, take_back};
use crate::code::Code;
use crate::error::Error;
use crate::guard::{guard, quietly};
use crate::process::{self, UNTORN_ALIVE_UNKNOWN};
use crate::text::{c_string, pointer};

/// Who holds a lock. What the functions below return belongs to it.
pub struct Holder {
    core: untorn::Holder,
    label: Option<CString>,
    since: Option<CString>,
    host: Option<CString>,
    boot: Option<CString>,
}

impl Holder {
    pub(crate) fn new(core: untorn::Holder) -> Holder {
        let c = |text: &Option<String>| text.as_deref().map(c_string);
        Holder {
            label: c(&core.label),
            since: c(&core.since),
            host: c(&core.host),
            boot: c(&core.boot),
            core,
        }
    }
}

/// Who holds the lock of the file at path now. *holder_out is NULL if nobody
/// does, or if it can't be known; else it is to be freed.
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

/// The process; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_pid(holder: *const Holder) -> u32 {
    // SAFETY: NULL or a holder.
    unsafe { holder.as_ref() }.map_or(0, |holder| holder.core.pid)
}

/// When the process started, in the system's own unit (clock ticks since boot
/// on Linux); 0 where it is not known. With pid, boot and host it names one
/// process for ever.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_start(holder: *const Holder) -> u64 {
    // SAFETY: NULL or a holder.
    unsafe { holder.as_ref() }
        .and_then(|holder| holder.core.start)
        .unwrap_or(0)
}

/// What the holder calls itself; NULL if it has no label.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_label(holder: *const Holder) -> *const c_char {
    // SAFETY: NULL or a holder.
    pointer(unsafe { holder.as_ref() }.and_then(|holder| holder.label.as_ref()))
}

/// Since when it holds the lock, RFC 3339 in UTC; NULL if it is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_since(holder: *const Holder) -> *const c_char {
    // SAFETY: NULL or a holder.
    pointer(unsafe { holder.as_ref() }.and_then(|holder| holder.since.as_ref()))
}

/// On which host; NULL if it is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_host(holder: *const Holder) -> *const c_char {
    // SAFETY: NULL or a holder.
    pointer(unsafe { holder.as_ref() }.and_then(|holder| holder.host.as_ref()))
}

/// In which start of the machine; NULL if it is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_boot(holder: *const Holder) -> *const c_char {
    // SAFETY: NULL or a holder.
    pointer(unsafe { holder.as_ref() }.and_then(|holder| holder.boot.as_ref()))
}

/// Whether the process lives, asked now, and told by its start, not by its pid
/// alone: UNTORN_ALIVE, UNTORN_DEAD or UNTORN_ALIVE_UNKNOWN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_alive(holder: *const Holder) -> i32 {
    // SAFETY: NULL or a holder.
    let Some(holder) = (unsafe { holder.as_ref() }) else {
        return UNTORN_ALIVE_UNKNOWN;
    };
    quietly(UNTORN_ALIVE_UNKNOWN, || process::alive(holder.core.alive()))
}

/// Frees a holder that untorn_lock_holder() gave. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_holder_free(holder: *mut Holder) {
    // SAFETY: NULL or a holder of the caller's, who uses it no more.
    unsafe { take_back(holder) }
}
