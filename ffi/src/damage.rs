//! The kinds of damage in a journal.

use std::ffi::{CStr, c_char};

use untorn::{Damage, DamageKind};

use crate::argument::{Arguments, put};
use crate::guard::quietly;

/// Bytes after the last newline: a record cut off by a crash, or one that is
/// being appended at this moment.
pub const UNTORN_DAMAGE_TORN_TAIL: i32 = 1;
/// A line that holds NULs, as a power cut leaves them.
pub const UNTORN_DAMAGE_NUL_RUN: i32 = 2;
/// A line longer than max_record.
pub const UNTORN_DAMAGE_TOO_LONG: i32 = 3;
/// Two or more values on one line: a newline was lost.
pub const UNTORN_DAMAGE_GLUED: i32 = 4;
/// A line that is not JSON.
pub const UNTORN_DAMAGE_NOT_JSON: i32 = 5;
/// A line that is not UTF-8.
pub const UNTORN_DAMAGE_NOT_UTF8: i32 = 6;

/// In a sealed journal: a line that its seal does not fit, or, with length 0, a
/// place where the rest of an append is missing.
pub const UNTORN_DAMAGE_BAD_SEAL: i32 = 7;

const NAMES: [&CStr; 7] = [
    c"torn_tail",
    c"nul_run",
    c"too_long",
    c"glued",
    c"not_json",
    c"not_utf8",
    c"bad_seal",
];

/// The number of a kind. 0 means that the header lacks a number for it, which the
/// test below rules out.
fn number(kind: DamageKind) -> i32 {
    match kind {
        DamageKind::TornTail => UNTORN_DAMAGE_TORN_TAIL,
        DamageKind::NulRun => UNTORN_DAMAGE_NUL_RUN,
        DamageKind::TooLong => UNTORN_DAMAGE_TOO_LONG,
        DamageKind::Glued => UNTORN_DAMAGE_GLUED,
        DamageKind::NotJson => UNTORN_DAMAGE_NOT_JSON,
        DamageKind::NotUtf8 => UNTORN_DAMAGE_NOT_UTF8,
        DamageKind::BadSeal => UNTORN_DAMAGE_BAD_SEAL,
        _ => 0,
    }
}

/// Writes the damage number `index` of a list. Returns false if the list is
/// shorter.
///
/// # Safety
/// Each NULL or valid for a write.
pub(crate) unsafe fn give(
    list: &[Damage],
    index: usize,
    kind_out: *mut i32,
    offset_out: *mut u64,
    length_out: *mut u64,
) -> bool {
    let Some(damage) = list.get(index) else {
        return false;
    };
    // SAFETY: the caller's promise.
    unsafe {
        put(kind_out, number(damage.kind));
        put(offset_out, damage.offset);
        put(length_out, damage.length);
    }
    true
}

/// Returns the name of a kind of damage, for example "torn_tail", or NULL for
/// another number. The name is the same in every language. The string is static.
#[unsafe(no_mangle)]
pub extern "C" fn untorn_damage_name(kind: i32) -> *const c_char {
    usize::try_from(kind)
        .ok()
        .and_then(|kind| NAMES.get(kind.checked_sub(1)?))
        .map_or(std::ptr::null(), |name| name.as_ptr())
}

/// Returns what is wrong with a line that should be one JSON value: a
/// UNTORN_DAMAGE_ number, or 0 if nothing is. A decoder that could not read a
/// record uses it to report the reason.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_inspect(data: *const u8, len: usize) -> i32 {
    // SAFETY: as the header says of every argument. NULL with a length is no line
    // of JSON either.
    let line = unsafe { Arguments::of("inspect").bytes(data, len, "data") };
    quietly(0, || match line {
        Ok(line) => untorn::inspect(line).map_or(0, number),
        Err(_) => UNTORN_DAMAGE_NOT_JSON,
    })
}

#[cfg(test)]
mod tests {
    use super::{number, untorn_damage_name};
    use std::ffi::CStr;
    use untorn::DamageKind;

    #[test]
    fn kinds_have_the_core_s_names() {
        let all = [
            DamageKind::TornTail,
            DamageKind::NulRun,
            DamageKind::TooLong,
            DamageKind::Glued,
            DamageKind::NotJson,
            DamageKind::NotUtf8,
            DamageKind::BadSeal,
        ];
        for kind in all {
            // SAFETY: a static string.
            let name = unsafe { CStr::from_ptr(untorn_damage_name(number(kind))) };
            assert_eq!(name.to_str(), Ok(kind.as_str()));
        }
        for none in [-1, 0, 8, i32::MAX, i32::MIN] {
            assert!(untorn_damage_name(none).is_null(), "{none}");
        }
    }
}
