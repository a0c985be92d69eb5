//! What a step gave, and how the data writes it.

use serde_json::{Value, json};
use untorn::{Damage, ErrorKind, OwnedRecord, Position, Report, Version};

#[derive(Clone, Copy)]
pub enum Kept {
    Position(Position),
    Version(Version),
}

/// What a step gave, as far as it gives such things.
#[derive(Default)]
pub struct Outcome {
    pub kept: Option<Kept>,
    pub records: Option<Vec<OwnedRecord>>,
    pub values: Option<Vec<Value>>,
    pub damage: Vec<Damage>,
    pub report: Option<Report>,
    /// Of `load` and `update`: `Some(None)` is a missing document.
    pub value: Option<Option<Vec<u8>>>,
    pub removed: Option<bool>,
    /// What else there is, as the data writes it.
    pub more: serde_json::Map<String, Value>,
}

impl From<Position> for Outcome {
    fn from(position: Position) -> Outcome {
        Outcome {
            kept: Some(Kept::Position(position)),
            ..Outcome::default()
        }
    }
}

impl From<Version> for Outcome {
    fn from(version: Version) -> Outcome {
        Outcome {
            kept: Some(Kept::Version(version)),
            ..Outcome::default()
        }
    }
}

impl From<Report> for Outcome {
    fn from(report: Report) -> Outcome {
        Outcome {
            report: Some(report),
            ..Outcome::default()
        }
    }
}

impl Outcome {
    /// One thing, under the name that it has in a step.
    pub fn of(key: &str, value: impl Into<Value>) -> Outcome {
        let mut outcome = Outcome::default();
        outcome.more.insert(key.to_owned(), value.into());
        outcome
    }
}

/// A report as the data writes it.
pub fn report(report: &Report) -> Value {
    json!({
        "records": report.records,
        "bytes": report.bytes,
        "end": report.end.offset,
        "damage": damage(&report.damage),
        "damage_count": report.damage_count,
        "lines": report.damage.iter().map(|one| one.line).collect::<Vec<_>>(),
        "repairable": report.damage.iter().map(|one| one.repairable).collect::<Vec<_>>(),
        "notes": report.notes.iter().map(|note| json!([note.kind.as_str(), note.offset, note.length, note.line])).collect::<Vec<_>>(),
        "header": report.header,
        "unsealed": report.unsealed,
        "repaired": report.repaired.map(|repair| json!({
            "offset": repair.offset,
            "cut": repair.cut,
            "newline_added": repair.newline_added,
        })),
    })
}

pub fn damage(list: &[Damage]) -> Value {
    list.iter()
        .map(|one| json!([one.kind.as_str(), one.offset, one.length]))
        .collect()
}

/// Whether `code` is one at all: a typing error in the data must not pass.
pub fn is_code(code: &str) -> bool {
    ErrorKind::ALL.iter().any(|kind| kind.code() == code)
}
