//! Notes what readers here accept and other programs stumble over: a byte order mark,
//! carriage returns, half a character as an escape. It is no damage.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::damage::{Damage, DamageKind};
use super::records::{Place, Records};

/// Holds the first place of each kind.
#[derive(Default)]
pub(super) struct Notes {
    list: Vec<Damage>,
}

impl Notes {
    /// Looks at the record that was just read.
    pub fn look(&mut self, reader: &Records, place: &Place) {
        let line = reader.line(place);
        if reader.is_marked() {
            self.add(DamageKind::ByteOrderMark, 0, 3, Some(1));
        }
        let record = reader.record(place);
        let mut note = |kind, from, length| {
            self.add(
                kind,
                record.start.offset + from as u64,
                length,
                reader.last_line(),
            );
        };
        if line.ends_with(b"\r\n") {
            let at = record.end.offset - record.start.offset - 2;
            note(DamageKind::CarriageReturn, at as usize, 2);
        }
        if let Some(at) = lone_surrogate(record.bytes) {
            note(DamageKind::LoneSurrogate, at, 6);
        }
    }

    pub fn into_list(self) -> Vec<Damage> {
        self.list
    }

    fn add(&mut self, kind: DamageKind, offset: u64, length: u64, line: Option<u64>) {
        if self.list.iter().all(|note| note.kind != kind) {
            self.list.push(Damage {
                kind,
                offset,
                length,
                line,
                repairable: false,
            });
        }
    }
}

/// Returns the place of an escape that is half a character.
fn lone_surrogate(record: &[u8]) -> Option<usize> {
    static LOWER: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"\\ud"));
    static UPPER: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"\\uD"));
    let first = [&*LOWER, &*UPPER].map(|finder| finder.find(record));
    let mut at = first.into_iter().flatten().min()?;
    // Two backslashes are an escape of their own. From the first of them on, each escape
    // is read in turn.
    at -= record[..at]
        .iter()
        .rev()
        .take_while(|byte| **byte == b'\\')
        .count();
    while let Some(next) = memchr::memchr(b'\\', &record[at..]) {
        at += next;
        let Some(unit) = unit(record, at) else {
            // The character after the backslash may be another one.
            at += 2;
            if at > record.len() {
                return None;
            }
            continue;
        };
        let second = unit_in(record, at + 6, 0xdc00..0xe000);
        match unit {
            0xd800..0xdc00 if second => at += 12,
            0xd800..0xe000 => return Some(at),
            _ => at += 6,
        }
    }
    None
}

fn unit_in(record: &[u8], at: usize, range: std::ops::Range<u32>) -> bool {
    record.get(at) == Some(&b'\\') && unit(record, at).is_some_and(|unit| range.contains(&unit))
}

/// Returns the number of the escape `\uXXXX` that begins here.
fn unit(record: &[u8], at: usize) -> Option<u32> {
    let digits = record.get(at + 1..at + 6)?.strip_prefix(b"u")?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::lone_surrogate;

    #[test]
    fn half_a_character() {
        for (text, at) in [
            (r#""\ud83e\udd80""#, None),
            (r#""\uD83E\uDD80 \n é""#, None),
            (r#""\\ud83e""#, None),
            (r#""\\\ud83e""#, Some(3)),
            (r#""\ud83e""#, Some(1)),
            (r#""\udd80""#, Some(1)),
            (r#""\ud83e\ud83e\udd80""#, Some(1)),
            (r#""\ud83e\udd80\ud83e""#, Some(13)),
            (r#""\ud7ff\ue000""#, None),
            (r#""a\"#, None),
        ] {
            assert_eq!(lone_surrogate(text.as_bytes()), at, "{text}");
        }
    }
}
