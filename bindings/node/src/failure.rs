//! Errors, as the JavaScript side reads them: one line of JSON, which
//! `lib/errors.js` makes an object of. It travels as the message of a plain
//! error where a function throws, and as a string where a promise is rejected.

use std::path::Path;

use serde_json::{Value, json};
use untorn::{Error, ErrorKind, Holder};
use untorn_postgres::Refusal;

use crate::spelling::OPTIONS;

/// An error of the library.
pub fn of(error: &Error) -> String {
    let said = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Refusal>());
    json!({
        "code": error.kind().code(),
        "message": in_javascript(&error.to_string(), error.operation(), error.path()),
        "operation": error.operation(),
        "path": error.path().to_string_lossy(),
        "errno": error.raw_os_error(),
        "holder": error.holder().map(holder),
        "position": error.position().map(|position| json!({
            "generation": position.generation,
            "offset": position.offset,
        })),
        "sqlstate": said.map(|said| &said.sqlstate),
        "detail": said.map(|said| &said.detail),
        "hint": said.map(|said| &said.hint),
    })
    .to_string()
}

/// Other words than the library's. Those of options are in `spelling.rs`.
const WORDS: [(&str, &str); 9] = [
    (
        "inside update, change the value instead of saving",
        "inside update, change the value instead of saving; elsewhere, await the update first",
    ),
    (
        "inside compact, push the record instead of appending it",
        "inside compact, yield the record instead of appending it",
    ),
    (
        "inside a fold, return the records from `update`, or append them with the turn",
        "inside a fold's update, return the records instead of appending them",
    ),
    ("this thread already holds", "this event loop already holds"),
    (
        "pass the guard that holds it (`CallOptions::lock`), or release it first",
        "await the call that holds it, pass its FileLock (`{ lock }`), or release it first",
    ),
    ("`CallOptions::lock`", "`{ lock }`"),
    ("on_unsupported=\"pid-file\"", "onUnsupported: \"pid-file\""),
    ("set_header", "setHeader"),
    ("`acquire_at`", "`at`"),
];

/// A message with JavaScript's names in it. The text before the reason, the path
/// above all, stays as it is.
pub fn in_javascript(message: &str, operation: &str, path: &Path) -> String {
    let about = format!("{operation} {}", path.display());
    let Some(reason) = message.strip_prefix(&about) else {
        return message.to_owned();
    };
    let mut reason = reason.to_owned();
    for &(ours, theirs) in WORDS.iter().chain(OPTIONS) {
        reason = reason.replace(ours, theirs);
    }
    about + &reason
}

/// The same, to be thrown.
pub fn thrown(error: &Error) -> napi::Error {
    napi::Error::from_reason(of(error))
}

/// Returns the library's result, or its error to be thrown.
pub fn told<T>(result: untorn::Result<T>) -> napi::Result<T> {
    result.map_err(|error| thrown(&error))
}

/// Builds the message for a state that can't occur.
pub fn bug(detail: &str) -> String {
    json!({
        "code": ErrorKind::Internal.code(),
        "message": format!("{detail}: this is a bug in untorn"),
    })
    .to_string()
}

/// As `FileLock.holder` gives it.
pub fn holder(holder: &Holder) -> Value {
    json!({
        "pid": holder.pid,
        "start": holder.start,
        "boot": holder.boot,
        "namespace": holder.namespace,
        "host": holder.host,
        "label": holder.label,
        "since": holder.since,
        "alive": holder.alive().as_str(),
    })
}
