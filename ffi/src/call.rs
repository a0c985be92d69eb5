//! How one call waits, and under which lock it works.

use std::cell::Cell;
use std::ffi::c_void;

use untorn::{Progress, Result};

use crate::argument::Arguments;
use crate::argument::User;
use crate::cancel::Cancel;
use crate::lock::Lock;
use crate::options::{self, Options};

/// The header defines this by hand: cbindgen would write a negative number
/// without parentheses.
const UNTORN_TIMEOUT_OF_HANDLE: i64 = -2;

/// How one call waits for the lock, and under which lock it works. Initialise it
/// with UNTORN_CALL_OPTIONS_INIT. NULL means the same as that.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CallOptions {
    /// sizeof(untorn_call_options).
    pub size: usize,
    /// The timeout of the whole call in milliseconds. -1 waits without a limit, 0
    /// tries once, UNTORN_TIMEOUT_OF_HANDLE uses the handle's timeout.
    pub timeout_ms: i64,
    /// A token with which another thread can end the wait. May be NULL.
    pub cancel: *const Cancel,
    /// A lock on the same path that the caller holds. The call works under it and
    /// does not wait. NULL: the call takes the lock itself.
    pub lock: *const Lock,
    /// Called on the calling thread, about every 50 ms, by a call that checks, repairs,
    /// replaces or searches. May be NULL. See untorn_progress.
    pub progress: ProgressCallback,
    /// Passed to progress.
    pub progress_user: *mut c_void,
    /// Called on the calling thread, about every 50 ms while it waits. May be NULL. See
    /// untorn_interrupt.
    pub interrupt: InterruptCallback,
    /// Passed to interrupt.
    pub interrupt_user: *mut c_void,
}

/// Returns whether the wait must end, with UNTORN_CANCELLED: for a program without a
/// second thread, whose signal handler has set a flag. A signal alone ends no wait. It
/// must return, and must not call this library.
pub type InterruptCallback = Option<unsafe extern "C" fn(user: *mut c_void) -> bool>;

thread_local! {
    /// The interrupt of the call that this thread makes. It runs on this thread only.
    static INTERRUPT: Cell<Option<Interrupt>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Interrupt {
    callback: unsafe extern "C" fn(user: *mut c_void) -> bool,
    user: *mut c_void,
}

fn is_interrupted() -> bool {
    INTERRUPT.get().is_some_and(|interrupt| {
        // SAFETY: the callback's promise.
        unsafe { (interrupt.callback)(interrupt.user) }
    })
}

/// Learns how many bytes of a long call are done. After all the work it is called
/// once more, with done equal to total. It must return: it must not end its thread,
/// jump out or throw. To end the work, it triggers the token of the call. A call that
/// replaces a journal holds the lock meanwhile.
pub type ProgressCallback = Option<unsafe extern "C" fn(done: u64, total: u64, user: *mut c_void)>;

// SAFETY: `repr(C)`, integers and pointers, size first.
unsafe impl Options for CallOptions {
    const NAME: &'static str = "untorn_call_options";
    const FIRST_SIZE: usize = std::mem::offset_of!(CallOptions, progress);

    fn defaults() -> CallOptions {
        CallOptions {
            size: size_of::<CallOptions>(),
            timeout_ms: UNTORN_TIMEOUT_OF_HANDLE,
            cancel: std::ptr::null(),
            lock: std::ptr::null(),
            progress: None,
            progress_user: std::ptr::null_mut(),
            interrupt: None,
            interrupt_user: std::ptr::null_mut(),
        }
    }
}

/// Reports how far a call is.
pub(crate) type Report = Option<Box<dyn Fn(Progress) + Sync>>;

/// Returns what reports the progress of this call; it is for [`with`].
///
/// # Safety
/// As [`read`]; the callback keeps what the header asks of it.
pub(crate) unsafe fn report(call: *const CallOptions, arguments: &Arguments<'_>) -> Result<Report> {
    if call.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let given = unsafe { options::read(call, arguments)? };
    let Some(callback) = given.progress else {
        return Ok(None);
    };
    let user = User(given.progress_user);
    Ok(Some(Box::new(move |progress: Progress| {
        // SAFETY: the callback's promise.
        unsafe { callback(progress.done, progress.total, user.pointer()) }
    })))
}

/// Adds the report to a call that reports its progress.
pub(crate) fn with<'a>(
    call: untorn::CallOptions<'a>,
    report: &'a Report,
) -> untorn::CallOptions<'a> {
    match report {
        Some(report) => call.progress(&**report),
        None => call,
    }
}

/// Reads the struct for the core.
///
/// # Safety
/// NULL or valid for `'a`, with all that it points to.
#[inline]
pub(crate) unsafe fn read<'a>(
    call: *const CallOptions,
    arguments: &Arguments<'_>,
) -> Result<untorn::CallOptions<'a>> {
    if call.is_null() {
        return Ok(untorn::CallOptions::new());
    }
    // SAFETY: the caller's promise.
    let (given, cancel, lock) = unsafe {
        let given = options::read(call, arguments)?;
        (given, given.cancel.as_ref(), given.lock.as_ref())
    };
    let mut call = untorn::CallOptions::new();
    if given.timeout_ms != UNTORN_TIMEOUT_OF_HANDLE {
        call = call.timeout(arguments.timeout(given.timeout_ms)?);
    }
    if let Some(cancel) = cancel {
        call = call.cancel(&cancel.token);
    }
    if let Some(lock) = lock {
        call = call.lock(&lock.guard);
    }
    if let Some(callback) = given.interrupt {
        let user = given.interrupt_user;
        INTERRUPT.set(Some(Interrupt { callback, user }));
        call = call.interrupt(&is_interrupted);
    }
    Ok(call)
}
