//! Describes the damage of a journal.

use serde::de::IgnoredAny;

pub use crate::journal::words::DamageKind;

/// How many damages a report lists. The rest are only counted.
pub(crate) const LISTED: usize = 1024;

/// Describes a stretch that was skipped: its place, its length and its damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The kind of damage.
    pub kind: DamageKind,
    /// The start of the stretch, in bytes from the start of the file.
    pub offset: u64,
    /// The length in bytes, including the newline if it has one.
    pub length: u64,
}

/// Holds the damages found so far: the first of them, the last, and their number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Damages {
    pub list: Vec<Damage>,
    pub last: Option<Damage>,
    pub count: u64,
}

impl Damages {
    pub fn add(&mut self, damage: Damage) {
        self.count += 1;
        self.last = Some(damage);
        // Reading takes constant memory, however damaged the file is.
        if self.list.len() < LISTED {
            self.list.push(damage);
        }
    }
}

/// Returns the damage of a line that should be one JSON value; `None` if it is one. A
/// decoder that refused a record can report the reason with it.
pub fn inspect(line: &[u8]) -> Option<DamageKind> {
    let Ok(text) = std::str::from_utf8(line) else {
        return Some(DamageKind::NotUtf8);
    };
    if serde_json::from_str::<IgnoredAny>(text).is_ok() {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let first_is_whole = values.next().is_some_and(|first| first.is_ok());
    let more = text
        .get(values.byte_offset()..)
        .is_some_and(|rest| !rest.trim().is_empty());
    // This includes `}garbage`: a whole record with bytes glued to it.
    Some(if first_is_whole && more {
        DamageKind::Glued
    } else {
        DamageKind::NotJson
    })
}

#[cfg(test)]
mod tests {
    use super::{DamageKind, inspect};

    #[test]
    fn tells_what_is_wrong() {
        let cases: &[(&[u8], Option<DamageKind>)] = &[
            (b"{\"a\":1}", None),
            (b" [1,2] ", None),
            (b"1e999", None),
            ("{\"a\":\"\u{2028}\"}".as_bytes(), None),
            (b"{\"a\":1}{\"b\":2}", Some(DamageKind::Glued)),
            (b"{\"a\":1}{\"b\":", Some(DamageKind::Glued)),
            (b"{\"a\":1", Some(DamageKind::NotJson)),
            (b"{\"a\":NaN}", Some(DamageKind::NotJson)),
            (b"{\"a\":\"\xff\"}", Some(DamageKind::NotUtf8)),
        ];
        for (line, expected) in cases {
            assert_eq!(
                inspect(line),
                *expected,
                "{}",
                String::from_utf8_lossy(line)
            );
        }
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        assert_eq!(inspect(&deep), None);
    }
}
