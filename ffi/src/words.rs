// Generated from spec/constants.toml by `cargo xtask generate`. Do not edit.
//! The numbers of what options take and results name.

use std::ffi::CStr;

use untorn::{
    DamageKind, Durability, EventKind, Format, HeaderMode, OnUnsupported, Result, Scheme, Severity,
};

use crate::argument::Arguments;

/// The failure that a finished call survives. power: The machine loses power.
/// The bytes are durable on disk before the call returns (fdatasync or fsync,
/// F_FULLFSYNC on Apple systems). So is the directory if a name was created or
/// changed. The default.
pub const UNTORN_DURABILITY_POWER: i32 = 0;
/// This process, or any other, dies at any instruction: the bytes are in the
/// kernel. A power cut may lose them.
pub const UNTORN_DURABILITY_PROCESS: i32 = 1;
/// Returns the durability that C chose.
pub(crate) fn durability(number: i32, arguments: &Arguments<'_>) -> Result<Durability> {
    match number {
UNTORN_DURABILITY_POWER => Ok(Durability::Power),
UNTORN_DURABILITY_PROCESS => Ok(Durability::Process),
_ => Err(arguments.refuse(format!("{number} is not a durability: use UNTORN_DURABILITY_POWER (0) or UNTORN_DURABILITY_PROCESS (1)"))),
}
}

/// The format of a journal's records. json: A record is one JSON value. The
/// default.
pub const UNTORN_FORMAT_JSON: i32 = 0;
/// A record is any bytes without a newline or NUL.
pub const UNTORN_FORMAT_LINES: i32 = 1;
/// Returns the format that C chose.
pub(crate) fn format(number: i32, arguments: &Arguments<'_>) -> Result<Format> {
    match number {
        UNTORN_FORMAT_JSON => Ok(Format::Json),
        UNTORN_FORMAT_LINES => Ok(Format::Lines),
        _ => Err(arguments.refuse(format!(
            "{number} is not a format: use UNTORN_FORMAT_JSON (0) or UNTORN_FORMAT_LINES (1)"
        ))),
    }
}

/// Which file carries the lock of a path P. All programs that share P must use
/// the same scheme. sidecar: An OS lock on the file P.lock. Use this one,
/// unless other programs already have their own scheme. The default.
pub const UNTORN_SCHEME_SIDECAR: i32 = 0;
/// An OS lock on P itself, like that of programs that flock their data file. P
/// keeps its inode: a document is saved in place. An empty file is a document
/// that does not exist.
pub const UNTORN_SCHEME_IN_PLACE: i32 = 1;
/// The lock is held while the file P.lock exists, which contains the holder's
/// pid. A holder that is stopped for longer than the option stale can lose the
/// lock.
pub const UNTORN_SCHEME_PID_FILE: i32 = 2;
/// Returns the scheme that C chose.
pub(crate) fn scheme(number: i32, arguments: &Arguments<'_>) -> Result<Scheme> {
    match number {
UNTORN_SCHEME_SIDECAR => Ok(Scheme::Sidecar),
UNTORN_SCHEME_IN_PLACE => Ok(Scheme::InPlace),
UNTORN_SCHEME_PID_FILE => Ok(Scheme::PidFile),
_ => Err(arguments.refuse(format!("{number} is not a scheme: use UNTORN_SCHEME_SIDECAR (0) or UNTORN_SCHEME_IN_PLACE (1) or UNTORN_SCHEME_PID_FILE (2)"))),
}
}

/// The reaction to a file system that reports that it does not lock files.
/// fail: Fail with UNTORN_LOCK_UNSUPPORTED: a call never continues without a
/// lock. The default.
pub const UNTORN_ON_UNSUPPORTED_FAIL: i32 = 0;
/// Use the scheme pid-file there.
pub const UNTORN_ON_UNSUPPORTED_PID_FILE: i32 = 1;
/// Returns the on_unsupported that C chose.
pub(crate) fn on_unsupported(number: i32, arguments: &Arguments<'_>) -> Result<OnUnsupported> {
    match number {
UNTORN_ON_UNSUPPORTED_FAIL => Ok(OnUnsupported::Fail),
UNTORN_ON_UNSUPPORTED_PID_FILE => Ok(OnUnsupported::PidFile),
_ => Err(arguments.refuse(format!("{number} is not a value of on_unsupported: use UNTORN_ON_UNSUPPORTED_FAIL (0) or UNTORN_ON_UNSUPPORTED_PID_FILE (1)"))),
}
}

/// How an existing header is changed. stamp: In place, if it fits: the cost
/// does not depend on the journal's length. The default.
pub const UNTORN_HEADER_STAMP: i32 = 0;
/// Always with a new file. Programs that read without this library then never
/// see half a header.
pub const UNTORN_HEADER_RENAME: i32 = 1;
/// Returns the header_mode that C chose.
pub(crate) fn header_mode(number: i32, arguments: &Arguments<'_>) -> Result<HeaderMode> {
    match number {
        UNTORN_HEADER_STAMP => Ok(HeaderMode::Stamp),
        UNTORN_HEADER_RENAME => Ok(HeaderMode::Rename),
        _ => Err(arguments.refuse(format!(
            "{number} is not a header mode: use UNTORN_HEADER_STAMP (0) or UNTORN_HEADER_RENAME (1)"
        ))),
    }
}

/// The kind of damage of a stretch of a journal. torn_tail: Bytes after the
/// last newline, or an incomplete append of many. A crash cut it off, or it is
/// being appended now.
pub const UNTORN_DAMAGE_TORN_TAIL: i32 = 1;
/// A line with NULs, which a power cut can leave.
pub const UNTORN_DAMAGE_NUL_RUN: i32 = 2;
/// A line longer than max_record.
pub const UNTORN_DAMAGE_TOO_LONG: i32 = 3;
/// Two or more values on one line: a newline was lost.
pub const UNTORN_DAMAGE_GLUED: i32 = 4;
/// A line that is not JSON.
pub const UNTORN_DAMAGE_NOT_JSON: i32 = 5;
/// A line that is not UTF-8.
pub const UNTORN_DAMAGE_NOT_UTF8: i32 = 6;
/// In a sealed journal: a line whose seal does not match. With length 0: a
/// place where the rest of an append is missing.
pub const UNTORN_DAMAGE_BAD_SEAL: i32 = 7;
/// A whole record at the end of the file, without its newline. The next append
/// adds it. Only a check reports this kind; a reader reports a torn tail.
pub const UNTORN_DAMAGE_MISSING_NEWLINE: i32 = 8;
/// No damage, only a note of a check: a byte order mark is before the first
/// line. Readers skip it.
pub const UNTORN_DAMAGE_BYTE_ORDER_MARK: i32 = 9;
/// No damage, only a note of a check: a line ends with a carriage return and a
/// newline. Readers skip it.
pub const UNTORN_DAMAGE_CARRIAGE_RETURN: i32 = 10;
/// No damage, only a note of a check: a record has an escape that is half a
/// character. Many programs refuse such text.
pub const UNTORN_DAMAGE_LONE_SURROGATE: i32 = 11;
/// Returns the number of a damage_kind; 0 for one that the header has no number for.
pub(crate) fn damage_kind(kind: DamageKind) -> i32 {
    match kind {
        DamageKind::TornTail => UNTORN_DAMAGE_TORN_TAIL,
        DamageKind::NulRun => UNTORN_DAMAGE_NUL_RUN,
        DamageKind::TooLong => UNTORN_DAMAGE_TOO_LONG,
        DamageKind::Glued => UNTORN_DAMAGE_GLUED,
        DamageKind::NotJson => UNTORN_DAMAGE_NOT_JSON,
        DamageKind::NotUtf8 => UNTORN_DAMAGE_NOT_UTF8,
        DamageKind::BadSeal => UNTORN_DAMAGE_BAD_SEAL,
        DamageKind::MissingNewline => UNTORN_DAMAGE_MISSING_NEWLINE,
        DamageKind::ByteOrderMark => UNTORN_DAMAGE_BYTE_ORDER_MARK,
        DamageKind::CarriageReturn => UNTORN_DAMAGE_CARRIAGE_RETURN,
        DamageKind::LoneSurrogate => UNTORN_DAMAGE_LONE_SURROGATE,
        _ => 0,
    }
}

/// The names, from number 1 on.
pub(crate) const DAMAGE_KIND_NAMES: [&CStr; 11] = [
    c"torn_tail",
    c"nul_run",
    c"too_long",
    c"glued",
    c"not_json",
    c"not_utf8",
    c"bad_seal",
    c"missing_newline",
    c"byte_order_mark",
    c"carriage_return",
    c"lone_surrogate",
];

/// The kind of an event: of something that happened without a call asking for
/// it. waiting: A call has waited for a lock longer than the threshold (2
/// seconds by default), and waits on. holder names the process that holds it,
/// waited says how long. It is reported again after 4, 16, 64 times the
/// threshold, and so on. Its severity is a warning, or info if the call has a
/// timeout.
pub const UNTORN_EVENT_WAITING: i32 = 1;
/// A wait that was reported is over: the call got the lock, or gave up.
pub const UNTORN_EVENT_WAITED: i32 = 2;
/// A torn tail of a journal was repaired. offset is its start, bytes the number
/// of bytes that were cut, kept the file that has them. With 0 bytes, only a
/// newline was added.
pub const UNTORN_EVENT_REPAIRED: i32 = 3;
/// An append of many records, whose process died, was taken back. offset is its
/// start, bytes the number of bytes, kept the file that has them.
pub const UNTORN_EVENT_UNDONE: i32 = 4;
/// A change that a dead process left half done was finished or taken back. The
/// change is a transaction, a rewrite, a save in place or a header stamp. path
/// is the file, or the directory of the transaction.
pub const UNTORN_EVENT_RECOVERED: i32 = 5;
/// Temporary files of dead processes were removed from the directory path.
/// count is their number.
pub const UNTORN_EVENT_SWEPT: i32 = 6;
/// A reader skipped damage. damage is its kind, offset and bytes its place.
/// Each read reports only its first damage. A torn tail is not reported, since
/// an append in progress looks the same.
pub const UNTORN_EVENT_SKIPPED_DAMAGE: i32 = 7;
/// A journal was rotated. kept is the rotated file.
pub const UNTORN_EVENT_ROTATED: i32 = 8;
/// A sync failed. Bytes that were written may not be durable, and the handle
/// refuses further work: open it again.
pub const UNTORN_EVENT_POISONED: i32 = 9;
/// Events came faster than the receiver took them. count is the number of those
/// that it did not get.
pub const UNTORN_EVENT_DROPPED: i32 = 10;
/// This process learned that it lost the lease of a session in a database. path
/// names the session. Its later changes of that session are refused.
pub const UNTORN_EVENT_LEASE_LOST: i32 = 11;
/// A file was opened, and a file next to it shows that programs lock it in
/// another scheme. They do not exclude each other. The message names that file
/// and the scheme. Each file and scheme is reported once in a process.
pub const UNTORN_EVENT_OTHER_SCHEME: i32 = 12;
/// Returns the number of a event_kind; 0 for one that the header has no number for.
pub(crate) fn event_kind(kind: EventKind) -> i32 {
    match kind {
        EventKind::Waiting => UNTORN_EVENT_WAITING,
        EventKind::Waited => UNTORN_EVENT_WAITED,
        EventKind::Repaired => UNTORN_EVENT_REPAIRED,
        EventKind::Undone => UNTORN_EVENT_UNDONE,
        EventKind::Recovered => UNTORN_EVENT_RECOVERED,
        EventKind::Swept => UNTORN_EVENT_SWEPT,
        EventKind::SkippedDamage => UNTORN_EVENT_SKIPPED_DAMAGE,
        EventKind::Rotated => UNTORN_EVENT_ROTATED,
        EventKind::Poisoned => UNTORN_EVENT_POISONED,
        EventKind::Dropped => UNTORN_EVENT_DROPPED,
        EventKind::LeaseLost => UNTORN_EVENT_LEASE_LOST,
        EventKind::OtherScheme => UNTORN_EVENT_OTHER_SCHEME,
        _ => 0,
    }
}

/// The names, from number 1 on.
pub(crate) const EVENT_KIND_NAMES: [&CStr; 12] = [
    c"waiting",
    c"waited",
    c"repaired",
    c"undone",
    c"recovered",
    c"swept",
    c"skipped_damage",
    c"rotated",
    c"poisoned",
    c"dropped",
    c"lease_lost",
    c"other_scheme",
];

/// How much an event matters. info: It is good to know.
pub const UNTORN_SEVERITY_INFO: i32 = 1;
/// A process died, waits for long, or finds damage. Nothing was lost without a
/// copy.
pub const UNTORN_SEVERITY_WARNING: i32 = 2;
/// Bytes may be lost.
pub const UNTORN_SEVERITY_ERROR: i32 = 3;
/// Returns the number of a severity; 0 for one that the header has no number for.
pub(crate) fn severity(kind: Severity) -> i32 {
    match kind {
        Severity::Info => UNTORN_SEVERITY_INFO,
        Severity::Warning => UNTORN_SEVERITY_WARNING,
        Severity::Error => UNTORN_SEVERITY_ERROR,
        _ => 0,
    }
}

/// The names, from number 1 on.
pub(crate) const SEVERITY_NAMES: [&CStr; 3] = [c"info", c"warning", c"error"];
