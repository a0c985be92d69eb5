//! The codes.

use std::ffi::{CStr, c_char};

use untorn::ErrorKind;

/// Whether a call succeeded, and why not: one of the codes below. A new
/// version may add codes; a number is never used again for something else.
pub type Code = i32;

/// It succeeded.
pub const UNTORN_OK: Code = 0;
/// The lock was not free within the time given; the error names the holder
/// where it can be known.
pub const UNTORN_LOCK_TIMEOUT: Code = 1;
/// The lock is held, and the call was to try only once (timeout 0).
pub const UNTORN_LOCKED: Code = 2;
/// This thread already holds the lock that it is about to wait for.
pub const UNTORN_DEADLOCK: Code = 3;
/// The file system does not do locks.
pub const UNTORN_LOCK_UNSUPPORTED: Code = 4;
/// The file is not in the state that the caller expected.
pub const UNTORN_CONFLICT: Code = 5;
/// The file is there already.
pub const UNTORN_ALREADY_EXISTS: Code = 6;
/// The file, or its directory, is not there.
pub const UNTORN_NOT_FOUND: Code = 7;
/// The bytes can't be a record of this journal.
pub const UNTORN_INVALID_RECORD: Code = 8;
/// The file holds what this library can't have written.
pub const UNTORN_CORRUPT: Code = 9;
/// A limit that the caller set (or the default of one) is exceeded.
pub const UNTORN_LIMIT_EXCEEDED: Code = 10;
/// The disk, the quota or the allowed file size is used up.
pub const UNTORN_STORAGE_FULL: Code = 11;
/// The system does not allow it.
pub const UNTORN_PERMISSION_DENIED: Code = 12;
/// The change is in place, but the sync that was to make it durable failed.
pub const UNTORN_NOT_DURABLE: Code = 13;
/// An earlier sync on this handle failed; it must be reopened.
pub const UNTORN_POISONED: Code = 14;
/// The caller gave up waiting (untorn_cancel).
pub const UNTORN_CANCELLED: Code = 15;
/// The call can't be meant so: a NULL where none may be, a wrong option.
pub const UNTORN_INVALID_ARGUMENT: Code = 16;
/// Another error of the operating system: untorn_error_os_code() has it.
pub const UNTORN_IO: Code = 17;
/// A bug in this library.
pub const UNTORN_INTERNAL: Code = 18;

/// The code of an error.
pub(crate) fn of(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::LockTimeout => UNTORN_LOCK_TIMEOUT,
        ErrorKind::Locked => UNTORN_LOCKED,
        ErrorKind::Deadlock => UNTORN_DEADLOCK,
        ErrorKind::LockUnsupported => UNTORN_LOCK_UNSUPPORTED,
        ErrorKind::Conflict => UNTORN_CONFLICT,
        ErrorKind::AlreadyExists => UNTORN_ALREADY_EXISTS,
        ErrorKind::NotFound => UNTORN_NOT_FOUND,
        ErrorKind::InvalidRecord => UNTORN_INVALID_RECORD,
        ErrorKind::Corrupt => UNTORN_CORRUPT,
        ErrorKind::LimitExceeded => UNTORN_LIMIT_EXCEEDED,
        ErrorKind::StorageFull => UNTORN_STORAGE_FULL,
        ErrorKind::PermissionDenied => UNTORN_PERMISSION_DENIED,
        ErrorKind::NotDurable => UNTORN_NOT_DURABLE,
        ErrorKind::Poisoned => UNTORN_POISONED,
        ErrorKind::Cancelled => UNTORN_CANCELLED,
        ErrorKind::InvalidArgument => UNTORN_INVALID_ARGUMENT,
        ErrorKind::Io => UNTORN_IO,
        // The list is open to the compiler only; the test below closes it.
        _ => UNTORN_INTERNAL,
    }
}

/// The name of a code, "UNTORN_LOCK_TIMEOUT"; NULL for a number that is none.
/// The string is static.
#[unsafe(no_mangle)]
pub extern "C" fn untorn_code_name(code: Code) -> *const c_char {
    const NAMES: [&CStr; 19] = [
        c"UNTORN_OK",
        c"UNTORN_LOCK_TIMEOUT",
        c"UNTORN_LOCKED",
        c"UNTORN_DEADLOCK",
        c"UNTORN_LOCK_UNSUPPORTED",
        c"UNTORN_CONFLICT",
        c"UNTORN_ALREADY_EXISTS",
        c"UNTORN_NOT_FOUND",
        c"UNTORN_INVALID_RECORD",
        c"UNTORN_CORRUPT",
        c"UNTORN_LIMIT_EXCEEDED",
        c"UNTORN_STORAGE_FULL",
        c"UNTORN_PERMISSION_DENIED",
        c"UNTORN_NOT_DURABLE",
        c"UNTORN_POISONED",
        c"UNTORN_CANCELLED",
        c"UNTORN_INVALID_ARGUMENT",
        c"UNTORN_IO",
        c"UNTORN_INTERNAL",
    ];
    usize::try_from(code)
        .ok()
        .and_then(|index| NAMES.get(index))
        .map_or(std::ptr::null(), |name| name.as_ptr())
}

#[cfg(test)]
mod tests {
    use super::{of, untorn_code_name};
    use std::ffi::CStr;
    use untorn::ErrorKind;

    #[test]
    fn codes_are_numbered_and_named_as_the_core_lists_them() {
        for (index, kind) in ErrorKind::ALL.iter().enumerate() {
            let code = of(*kind);
            assert_eq!(usize::try_from(code), Ok(index + 1), "{kind}");
            // SAFETY: a static string.
            let name = unsafe { CStr::from_ptr(untorn_code_name(code)) };
            assert_eq!(name.to_str(), Ok(&*format!("UNTORN_{kind}")));
        }
        let last = i32::try_from(ErrorKind::ALL.len()).unwrap_or(i32::MAX);
        assert!(untorn_code_name(last + 1).is_null());
        assert!(untorn_code_name(-1).is_null());
    }
}
