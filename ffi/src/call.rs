//! How one call waits, and under which lock it works.

use untorn::Result;

use crate::argument::Arguments;
use crate::cancel::Cancel;
use crate::lock::Lock;
use crate::options::{self, Options};

/// The header defines this by hand: cbindgen would write a negative number
/// without parentheses.
const UNTORN_TIMEOUT_OF_HANDLE: i64 = -2;

/// How one call waits for the lock, and under which lock it works. Initialise it
/// with UNTORN_CALL_INIT. NULL means the same as that.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Call {
    /// sizeof(untorn_call).
    pub size: usize,
    /// The timeout of the whole call in milliseconds. -1 waits without a limit, 0
    /// tries once, UNTORN_TIMEOUT_OF_HANDLE uses the handle's timeout.
    pub timeout_ms: i64,
    /// A token with which another thread can end the wait. May be NULL.
    pub cancel: *const Cancel,
    /// A lock on the same path that the caller holds. The call works under it and
    /// does not wait. NULL: the call takes the lock itself.
    pub lock: *const Lock,
}

// SAFETY: `repr(C)`, integers and pointers, size first.
unsafe impl Options for Call {
    const NAME: &'static str = "untorn_call";
    const FIRST_SIZE: usize = size_of::<Call>();

    fn defaults() -> Call {
        Call {
            size: size_of::<Call>(),
            timeout_ms: UNTORN_TIMEOUT_OF_HANDLE,
            cancel: std::ptr::null(),
            lock: std::ptr::null(),
        }
    }
}

/// Reads the struct for the core.
///
/// # Safety
/// NULL or valid for `'a`, with all that it points to.
#[inline]
pub(crate) unsafe fn read<'a>(
    call: *const Call,
    arguments: &Arguments<'_>,
) -> Result<untorn::Call<'a>> {
    if call.is_null() {
        return Ok(untorn::Call::new());
    }
    // SAFETY: the caller's promise.
    let (given, cancel, lock) = unsafe {
        let given = options::read(call, arguments)?;
        (given, given.cancel.as_ref(), given.lock.as_ref())
    };
    let mut call = untorn::Call::new();
    if given.timeout_ms != UNTORN_TIMEOUT_OF_HANDLE {
        call = call.timeout(arguments.timeout(given.timeout_ms)?);
    }
    if let Some(cancel) = cancel {
        call = call.cancel(&cancel.token);
    }
    if let Some(lock) = lock {
        call = call.lock(&lock.guard);
    }
    Ok(call)
}
