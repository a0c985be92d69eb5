//! The kinds of damage in a journal.

use std::ffi::{c_char, c_void};

use untorn::Damage;

use crate::argument::{Arguments, put};
use crate::guard::quietly;
use crate::words::{DAMAGE_KIND_NAMES, UNTORN_DAMAGE_NOT_JSON, damage_kind};

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
        put(kind_out, damage_kind(damage.kind));
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
        .and_then(|kind| DAMAGE_KIND_NAMES.get(kind.checked_sub(1)?))
        .map_or(std::ptr::null(), |name| name.as_ptr())
}

/// Returns what is wrong with a line that should be one JSON value: a
/// UNTORN_DAMAGE_ number, or 0 if nothing is. A decoder that could not read a
/// record uses it to report the reason.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_inspect(data: *const c_void, len: usize) -> i32 {
    // SAFETY: as the header says of every argument. NULL with a length is no line
    // of JSON either.
    let line = unsafe { Arguments::of("inspect").bytes(data, len, "data") };
    quietly(0, || match line {
        Ok(line) => untorn::inspect(line).map_or(0, damage_kind),
        Err(_) => UNTORN_DAMAGE_NOT_JSON,
    })
}

#[cfg(test)]
mod tests {
    use super::{damage_kind, untorn_damage_name};
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
            DamageKind::MissingNewline,
            DamageKind::ByteOrderMark,
            DamageKind::CarriageReturn,
            DamageKind::LoneSurrogate,
        ];
        for kind in all {
            // SAFETY: a static string.
            let name = unsafe { CStr::from_ptr(untorn_damage_name(damage_kind(kind))) };
            assert_eq!(name.to_str(), Ok(kind.as_str()));
        }
        for none in [-1, 0, 12, i32::MAX, i32::MIN] {
            assert!(untorn_damage_name(none).is_null(), "{none}");
        }
    }
}
