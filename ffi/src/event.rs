//! Events: what happens without a call asking for it.

use std::ffi::{CString, c_char, c_void};
use std::time::Duration;

use crate::argument::User;
use crate::guard::quietly;
use crate::known_holder::Holder;
use crate::text::{c_path, c_string, pointer};
use crate::words::{DAMAGE_KIND_NAMES, EVENT_KIND_NAMES, SEVERITY_NAMES, event_kind, severity};

/// An event. It begins with its size, and may grow at its end: read a field that a
/// later version added only if size covers it. It lives as long as the call of the
/// callback.
#[repr(C)]
pub struct Event {
    /// The size of this struct, as the library has it.
    pub size: usize,
    /// The kind of event: a UNTORN_EVENT_ number.
    pub kind: i32,
    /// How much it matters: a UNTORN_SEVERITY_ number.
    pub severity: i32,
    /// The kind as a word, for example "waiting". It is the same in every language.
    pub name: *const c_char,
    /// The operation in which it happened, for example "append".
    pub operation: *const c_char,
    /// The file, or the directory of a transaction or a sweep.
    pub path: *const c_char,
    /// All of it in one line, for people.
    pub message: *const c_char,
    /// The process that holds the lock, or NULL.
    pub holder: *const Holder,
    /// The file that keeps what was cut off or rotated, or NULL.
    pub kept: *const c_char,
    /// How long the call has waited.
    pub waited_ms: u64,
    /// The place in the file.
    pub offset: u64,
    /// How many bytes it concerns.
    pub bytes: u64,
    /// How many files or events it concerns.
    pub count: u64,
    /// The kind of damage: a UNTORN_DAMAGE_ number, or 0.
    pub damage: i32,
    /// Always 0.
    pub reserved: i32,
}

/// Receives events. See untorn_set_event_callback().
pub type EventCallback = Option<unsafe extern "C" fn(event: *const Event, user: *mut c_void)>;

/// Reports the events of this process to callback, in place of an earlier one; NULL
/// reports no more. Without a callback nothing is reported. The library calls it on
/// a thread of its own, with one event at a time, in their order. That thread holds
/// no lock. The callback may take its time, wait for any lock and call any function.
/// It never delays the call that an event is about. It must return: it must not end
/// its thread, jump out or throw. When this function returns, an earlier callback is
/// no longer running, unless the earlier callback is the caller. So its user can be
/// freed. A forked child reports its own events to the same callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_set_event_callback(callback: EventCallback, user: *mut c_void) {
    quietly((), || {
        let Some(callback) = callback else {
            return untorn::events::remove_sink();
        };
        let user = User(user);
        // SAFETY: the callback's promise, in the header.
        untorn::events::set_sink(move |event| unsafe { call(callback, user.pointer(), event) });
    });
}

/// Calls back with an event in C's form.
unsafe fn call(
    callback: unsafe extern "C" fn(*const Event, *mut c_void),
    user: *mut c_void,
    event: &untorn::Event,
) {
    let operation = c_string(event.operation);
    let path = c_path(&event.path);
    let message = c_string(&event.to_string());
    let holder = event.holder.clone().map(Holder::new);
    let kept: Option<CString> = event.kept.as_deref().map(c_path);
    let kind = event_kind(event.kind);
    let damage = event.damage.and_then(|word| {
        let names = DAMAGE_KIND_NAMES.iter();
        let at = names
            .map(|name| name.to_bytes())
            .position(|name| name == word.as_bytes())?;
        i32::try_from(at + 1).ok()
    });
    let waited = event.waited.unwrap_or_default().as_millis();
    let made = Event {
        size: size_of::<Event>(),
        kind,
        severity: severity(event.severity()),
        name: untorn_event_name(kind),
        operation: operation.as_ptr(),
        path: path.as_ptr(),
        message: message.as_ptr(),
        holder: holder.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
        kept: pointer(kept.as_ref()),
        waited_ms: u64::try_from(waited).unwrap_or(u64::MAX),
        offset: event.offset.unwrap_or_default(),
        bytes: event.bytes.unwrap_or_default(),
        count: event.count.unwrap_or_default(),
        damage: damage.unwrap_or_default(),
        reserved: 0,
    };
    // SAFETY: the caller's promise; all pointers live until it returns.
    unsafe { callback(&raw const made, user) }
}

/// Waits until the callback has had the events so far, at most for timeout_ms; -1
/// waits without a limit. Returns whether it has. A program calls it before it ends.
/// It must not hold what its callback waits for.
#[unsafe(no_mangle)]
pub extern "C" fn untorn_flush_events(timeout_ms: i64) -> bool {
    let limit = u64::try_from(timeout_ms).map_or(Duration::MAX, Duration::from_millis);
    quietly(false, || untorn::events::flush(limit))
}

/// Sets after how many milliseconds a wait for a lock is reported as
/// UNTORN_EVENT_WAITING, for the whole process. The default is 2000. Waits that have
/// begun keep the threshold that they began with.
#[unsafe(no_mangle)]
pub extern "C" fn untorn_set_wait_threshold(threshold_ms: u64) {
    quietly((), || {
        untorn::events::set_wait_threshold(Duration::from_millis(threshold_ms));
    });
}

/// Returns the name of a kind of event, for example "waiting", or NULL for another
/// number. The name is the same in every language. The string is static.
#[unsafe(no_mangle)]
pub extern "C" fn untorn_event_name(kind: i32) -> *const c_char {
    usize::try_from(kind)
        .ok()
        .and_then(|kind| EVENT_KIND_NAMES.get(kind.checked_sub(1)?))
        .map_or(std::ptr::null(), |name| name.as_ptr())
}

/// Returns the name of a severity, for example "warning", or NULL for another
/// number. The string is static.
#[unsafe(no_mangle)]
pub extern "C" fn untorn_severity_name(severity: i32) -> *const c_char {
    usize::try_from(severity)
        .ok()
        .and_then(|severity| SEVERITY_NAMES.get(severity.checked_sub(1)?))
        .map_or(std::ptr::null(), |name| name.as_ptr())
}
