//! The error object.

use std::ffi::{CString, c_char};
use std::ptr;

use crate::argument::take_back;
use crate::code::{self, Code, UNTORN_OK};
use crate::known_holder::Holder;
use crate::position::Position;
use crate::text::{c_path, c_string, pointer};

/// An error: what failed, on which file, what the system reported, which process
/// holds the lock, and what helps. The strings and the holder that the
/// untorn_error_ functions return belong to the error and live as long as it does.
pub struct Error {
    code: Code,
    os_code: i32,
    operation: CString,
    path: CString,
    message: CString,
    holder: Option<Holder>,
    position: Option<Position>,
}

impl Error {
    /// Hands an error over to C, which frees it.
    pub(crate) fn into_raw(error: untorn::Error) -> *mut Error {
        Box::into_raw(Box::new(Error {
            code: code::of(error.kind()),
            os_code: error.raw_os_error().unwrap_or(0),
            operation: c_string(error.operation()),
            path: c_path(error.path()),
            message: c_string(&in_c(&error)),
            holder: error.holder().cloned().map(Holder::new),
            position: error.position().map(Position::from),
        }))
    }
}

/// Returns the message with C's names in it. The text before the reason, the path above
/// all, stays as it is.
fn in_c(error: &untorn::Error) -> String {
    let message = error.to_string();
    let about = format!("{} {}", error.operation(), error.path().display());
    match message.strip_prefix(&about) {
        None => message,
        Some(reason) => {
            let replaced = WORDS
                .iter()
                .fold(reason.to_owned(), |reason, (ours, theirs)| {
                    reason.replace(ours, theirs)
                });
            // C writes octal numbers without a letter.
            match replaced.contains("modes are octal") {
                true => about + &replaced.replace("0o", "0"),
                false => about + &replaced,
            }
        }
    }
}

/// The core's words, and C's.
const WORDS: [(&str, &str); 6] = [
    (
        "pass the guard that holds it (`CallOptions::lock`)",
        "pass the lock that holds it (untorn_call_options.lock)",
    ),
    (
        "inside update, change the value instead of saving",
        "before untorn_update_finish(), save with untorn_update_save()",
    ),
    (
        "inside compact, push the record instead of appending it",
        "before untorn_rewrite_free(), push it with untorn_rewrite_push()",
    ),
    (
        "inside a fold, return the records from `update`, or append them with the turn",
        "before untorn_fold_turn_free(), append with untorn_fold_turn_append()",
    ),
    ("`acquire_at`", "untorn_lock_acquire_at()"),
    (
        "`on_unsupported=\"pid-file\"`",
        "on_unsupported = UNTORN_ON_UNSUPPORTED_PID_FILE",
    ),
];

/// Returns the code that the call returned. UNTORN_OK for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_error_code(error: *const Error) -> Code {
    // SAFETY: NULL or an error.
    unsafe { error.as_ref() }.map_or(UNTORN_OK, |error| error.code)
}

/// Returns everything that is known in one line of UTF-8, for people.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_error_message(error: *const Error) -> *const c_char {
    // SAFETY: NULL or an error.
    pointer(unsafe { error.as_ref() }.map(|error| &error.message))
}

/// Returns the operation that failed: "append", "save", "lock", ...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_error_operation(error: *const Error) -> *const c_char {
    // SAFETY: NULL or an error.
    pointer(unsafe { error.as_ref() }.map(|error| &error.operation))
}

/// Returns the path of the file, in the encoding of file names; "" if no path was
/// known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_error_path(error: *const Error) -> *const c_char {
    // SAFETY: NULL or an error.
    pointer(unsafe { error.as_ref() }.map(|error| &error.path))
}

/// Returns the operating system's error number (errno), or 0 if it reported none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_error_os_code(error: *const Error) -> i32 {
    // SAFETY: NULL or an error.
    unsafe { error.as_ref() }.map_or(0, |error| error.os_code)
}

/// Returns the holder of the lock, for UNTORN_LOCK_TIMEOUT and UNTORN_LOCKED if
/// it is known; else NULL. The holder belongs to the error: do not free it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_error_holder(error: *const Error) -> *const Holder {
    // SAFETY: NULL or an error.
    unsafe { error.as_ref() }
        .and_then(|error| error.holder.as_ref())
        .map_or(ptr::null(), ptr::from_ref)
}

/// Writes the position of the error: the journal's actual end for
/// UNTORN_CONFLICT, the place reached for UNTORN_LIMIT_EXCEEDED. Returns false
/// and writes nothing if the error has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_error_position(
    error: *const Error,
    position_out: *mut Position,
) -> bool {
    // SAFETY: NULL or an error.
    let position = unsafe { error.as_ref() }.and_then(|error| error.position);
    if let Some(position) = position {
        // SAFETY: NULL or a place for it.
        unsafe { crate::argument::put(position_out, position) };
    }
    position.is_some()
}

/// Frees an error. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_error_free(error: *mut Error) {
    // SAFETY: NULL or an error, which the caller uses no more.
    unsafe { take_back(error) }
}
