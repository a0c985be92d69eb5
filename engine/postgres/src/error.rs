//! Turns failures of the server and of the driver into errors.

use std::path::Path;

use untorn::engine::{self, Failure as Known};
use untorn::{Alive, Error, ErrorKind, Holder, Position};

use crate::driver::{Failure, Refusal};
use crate::owner;

/// Returns whether the same statement may succeed later: it was undone for another's
/// sake, or the server ends or begins, or fails over.
pub(crate) fn may_pass(refusal: &Refusal) -> bool {
    matches!(
        refusal.sqlstate.as_str(),
        // Serialization failure, deadlock; shutdown, crash, start; a primary that became
        // a standby; too many connections.
        "40001" | "40P01" | "57P01" | "57P02" | "57P03" | "25006" | "53300"
    )
}

/// Returns whether the statement may have changed something all the same: it was
/// cancelled, or its connection was ended, after its changes were committed.
pub(crate) fn is_unknown(refusal: &Refusal) -> bool {
    matches!(refusal.sqlstate.as_str(), "57014" | "57P01" | "57P02")
        || refusal.sqlstate.starts_with("08")
}

/// Returns whether the server ended the statement because it was asked to.
pub(crate) fn is_stop(refusal: &Refusal) -> bool {
    refusal.sqlstate == "57014"
}

/// Makes the error of a call. `unknown`: the call may have changed something.
pub(crate) fn of(operation: &'static str, name: &Path, failure: Failure, unknown: bool) -> Error {
    let failed = match failure {
        Failure::Driver(_) => "the driver failed",
        _ => "no answer from the database",
    };
    match failure {
        Failure::NoConnection(source) | Failure::NoAnswer(source) | Failure::Driver(source) => {
            let why = source.to_string();
            let why = match source.source() {
                Some(cause) => format!("{why}: {cause}"),
                None => why,
            };
            let detail = match unknown {
                true => format!(
                    "{failed}: {why}; the change is made or it is not: read before the next one"
                ),
                false => format!("{failed}: {why}; nothing was changed"),
            };
            let known = Known {
                detail,
                source: Some(source),
                ..Known::default()
            };
            engine::error(ErrorKind::Io, operation, name, known)
        }
        Failure::Server(refusal, source) => {
            let mut known = known(&refusal);
            let kind = kind(&refusal);
            if refusal.sqlstate.starts_with("UT") {
                known.source = None;
            } else {
                known.source = Some(source);
            }
            engine::error(kind, operation, name, known)
        }
    }
}

fn kind(refusal: &Refusal) -> ErrorKind {
    match refusal.sqlstate.as_str() {
        "UT001" => ErrorKind::Conflict,
        "UT002" => ErrorKind::AlreadyExists,
        "UT003" => ErrorKind::LeaseLost,
        "UT004" => ErrorKind::Locked,
        "UT005" => ErrorKind::InvalidArgument,
        "UT006" => ErrorKind::NotFound,
        // A database, schema, table or function that is missing.
        "3D000" | "3F000" | "42P01" | "42883" => ErrorKind::NotFound,
        // Rights, a standby, and what a login is refused for.
        "42501" | "25006" | "28000" | "28P01" => ErrorKind::PermissionDenied,
        "53100" | "53200" => ErrorKind::StorageFull,
        "54000" => ErrorKind::LimitExceeded,
        "55P03" => ErrorKind::LockTimeout,
        _ => ErrorKind::Io,
    }
}

fn known(refusal: &Refusal) -> Known {
    let mut known = Known::default();
    let why = match refusal.message.split_once(": ") {
        Some((_, why)) if refusal.sqlstate.starts_with("UT") => why,
        _ => &refusal.message,
    };
    why.clone_into(&mut known.detail);
    let detail = refusal.detail.as_deref().and_then(json);
    match (refusal.sqlstate.as_str(), detail) {
        ("UT001", Some(found)) => {
            let number = |name: &str| found.get(name).and_then(serde_json::Value::as_u64);
            if let (Some(generation), Some(offset)) = (number("generation"), number("end")) {
                known.position = Some(Position { generation, offset });
            }
        }
        ("UT004", Some(found)) => {
            let text = found.get("owner").and_then(serde_json::Value::as_str);
            let seconds = found.get("seconds").and_then(serde_json::Value::as_f64);
            let owner = text.map(owner::of_text);
            known.detail = locked(owner.as_ref(), seconds);
            // A dead process would read as one whose child has the lock.
            known.holder = owner.filter(|owner| owner.alive() != Alive::Dead);
        }
        _ => {}
    }
    let more = match refusal.sqlstate.as_str() {
        "3F000" | "42P01" | "42883" => Some("run the migrations of untorn-postgres"),
        "42501" => Some(
            "connect as the schema's owner, or let the owner call allow(role), or let a role with the \
             right CREATE on the database make the schema",
        ),
        "25006" => Some("connect to the primary: this server takes no changes"),
        "57014" => Some("the change is made or it is not: read before the next one"),
        "3D000" => Some("nothing was changed; create the database, or name another"),
        "28000" | "28P01" => Some(
            "nothing was changed; check the user and the password, and which users the server lets in \
             (pg_hba.conf)",
        ),
        "55P03" => Some("nothing was changed"),
        _ => refusal.hint.as_deref(),
    };
    if let Some(more) = more {
        known.detail.push_str("; ");
        known.detail.push_str(more);
    }
    known
}

fn json(text: &str) -> Option<serde_json::Value> {
    serde_json::from_slice(text.as_bytes()).ok()
}

fn locked(owner: Option<&Holder>, seconds: Option<f64>) -> String {
    let mut detail = "the session has an owner".to_owned();
    if let Some(owner) = owner.filter(|owner| owner.alive() == Alive::Dead) {
        detail = format!("the session's owner, pid {}", owner.pid);
        if let Some(label) = &owner.label {
            detail.push_str(&format!(" ({label})"));
        }
        detail.push_str(", is dead");
    }
    if let Some(seconds) = seconds {
        detail.push_str(&format!(
            "; its lease ends in {:.1} s unless it renews it",
            seconds.max(0.0)
        ));
    }
    detail
}
