//! Finds the whole values of a text that should have been lines.

use std::ops::Range;

use serde::de::IgnoredAny;

use crate::journal::read::byte_order_mark_length;

/// A stretch of a text: a whole value, or bytes that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Value(Range<usize>),
    Rest(Range<usize>),
}

/// How many places a record may begin after a torn one are tried.
const TRIES: usize = 8;

/// Takes a text apart that begins where a record begins. `to_end` says that it ends
/// where a line ends. A bare number may be half a number, so it is no whole value.
pub(super) fn parts(text: &[u8], to_end: bool) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = byte_order_mark_length(text);
    if at > 0 {
        parts.push(Part::Rest(0..at));
    }
    loop {
        at += blanks(&text[at..]);
        if at == text.len() {
            return parts;
        }
        match value(&text[at..]) {
            Ok(length) => {
                parts.push(Part::Value(at..at + length));
                at += length;
            }
            Err(broken) => {
                let next = broken
                    .filter(|_| to_end)
                    .and_then(|broken| record_after(text, at, at + broken));
                let stop = next.unwrap_or(text.len());
                parts.push(Part::Rest(at..stop));
                at = stop;
            }
        }
    }
}

/// Returns the values of a text of which nothing is left over.
pub(super) fn only_values(text: &[u8]) -> Option<Vec<Part>> {
    let parts = parts(text, false);
    let clean = !parts.is_empty() && parts.iter().all(|part| matches!(part, Part::Value(_)));
    clean.then_some(parts)
}

/// Finds the record that another process appended after a torn one. The text up to
/// `broken` can't be the beginning of any value, so a record begins there or before.
/// Only the end of the text shows that it does: nothing is left over. If the text only
/// ends too early, the last object may as well be a part of the torn record.
fn record_after(text: &[u8], from: usize, broken: usize) -> Option<usize> {
    let stop = (broken + 1).min(text.len());
    memchr::memrchr_iter(b'{', &text[from..stop])
        .map(|at| from + at)
        .take(TRIES)
        .filter(|at| *at > from)
        .find(|at| only_values(&text[*at..]).is_some())
}

/// Returns the length of the whole value at the start. If there is none, returns the
/// place up to which the text can be one; `None` if the text only ends too early.
fn value(text: &[u8]) -> Result<usize, Option<usize>> {
    if text[0] == b'-' || text[0].is_ascii_digit() {
        return Err(None);
    }
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => {
            let length = values.byte_offset();
            match std::str::from_utf8(&text[..length]) {
                Ok(_) => Ok(length),
                Err(_) => Err(None),
            }
        }
        Some(Err(error)) if !error.is_eof() => Err(Some(error.column().saturating_sub(1))),
        _ => Err(None),
    }
}

fn blanks(text: &[u8]) -> usize {
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    text.iter().take_while(blank).count()
}

#[cfg(test)]
mod tests {
    use super::{Part, parts};

    fn shown(text: &str) -> String {
        let show = |part| match part {
            Part::Value(range) => format!("<{}>", &text[range]),
            Part::Rest(range) => format!("~{}~", &text[range]),
        };
        parts(text.as_bytes(), true).into_iter().map(show).collect()
    }

    #[test]
    fn glued_records_come_apart() {
        assert_eq!(shown(r#"{"a":1}{"b":2}"#), r#"<{"a":1}><{"b":2}>"#);
        assert_eq!(shown(r#"[1] "x"true [2]"#), r#"<[1]><"x"><true><[2]>"#);
        assert_eq!(shown(r#"{"a":1}{"b":"#), r#"<{"a":1}>~{"b":~"#);
        assert_eq!(shown(r#"{"a":1}}"#), r#"<{"a":1}>~}~"#);
        assert_eq!(shown(r#"{"a":1}12"#), r#"<{"a":1}>~12~"#);
        assert_eq!(shown("\u{feff}[1]"), "~\u{feff}~<[1]>");
    }

    #[test]
    fn a_record_after_a_torn_one_is_found() {
        for torn in [
            r#"{"x":"half"#,
            r#"{"x":1,"#,
            r#"{"x""#,
            r#"{"x":tr"#,
            r#"{"x":12"#,
            r#"{"x":"a\"#,
            r#"{"x":{"y":2},"z"#,
        ] {
            let glued = format!(r#"{torn}{{"a":{{"b":1}}}}"#);
            assert_eq!(shown(&glued), format!(r#"~{torn}~<{{"a":{{"b":1}}}}>"#));
        }
    }

    #[test]
    fn a_part_of_a_torn_record_is_no_record() {
        for torn in [
            r#"{"x":{"a":1}"#,
            r#"{"x":[1,{"a":1}"#,
            r#"{"x":{"y":{"a":1}}"#,
            r#"{"x":1,,"y":{"a":1}"#,
            r#"half"}"#,
            r#"alf","x":{"a":1}}"#,
            r#"alf","x":{"a":1}"#,
        ] {
            assert_eq!(shown(torn), format!("~{torn}~"));
        }
    }
}
