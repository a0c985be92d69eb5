//! What can be wrong with a stretch of a journal.

use serde::de::IgnoredAny;

pub use crate::journal::words::DamageKind;

/// How many damages a report lists; the rest is counted.
pub(crate) const LISTED: usize = 1024;

/// A stretch that was skipped: where, how long, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What is wrong.
    pub kind: DamageKind,
    /// Bytes from the start of the file.
    pub offset: u64,
    /// Bytes, the newline included where there is one.
    pub length: u64,
}

/// The damages found so far: the first of them, the last, and how many.
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
        // Reading takes constant memory, however bad the file.
        if self.list.len() < LISTED {
            self.list.push(damage);
        }
    }
}

/// What is wrong with a line that is to be one JSON value; `None` if nothing.
/// For decoders that were refused a record and want to say why.
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
    // Also `}garbage`: a whole record and something that was glued to it.
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
