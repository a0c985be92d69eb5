//! The text of a record: decoded as a JSON string, or as it is.

/// A record's characters, one after the other. In JSON an escape is the character
/// that it stands for. Bytes that are not UTF-8, and halves of surrogate pairs,
/// are U+FFFD.
#[derive(Clone)]
pub(super) struct Text<'a> {
    bytes: &'a [u8],
    at: usize,
    json: bool,
}

/// A character and its place in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub letter: char,
    pub start: usize,
    pub end: usize,
}

/// The most bytes of a character: two halves of a surrogate pair.
pub(super) const LONGEST: usize = 12;

impl<'a> Text<'a> {
    /// Starts at `at`, where a character begins.
    pub fn at(bytes: &'a [u8], at: usize, json: bool) -> Text<'a> {
        Text { bytes, at, json }
    }

    /// Starts at `at` or a little before, where a character begins.
    pub fn from(bytes: &'a [u8], at: usize, json: bool) -> Text<'a> {
        let mut at = at.min(bytes.len());
        let escape = bytes[at.saturating_sub(LONGEST)..at]
            .iter()
            .rposition(|byte| *byte == b'\\')
            .filter(|_| json);
        if let Some(escape) = escape {
            // A run of backslashes begins with one that escapes. The byte before
            // the run is no backslash, and an escape that ends there is no longer
            // than a letter.
            at = at.saturating_sub(LONGEST) + escape;
            while at > 0 && bytes[at - 1] == b'\\' {
                at -= 1;
            }
        } else {
            let lowest = at.saturating_sub(3);
            while at > lowest && at < bytes.len() && bytes[at] & 0xc0 == 0x80 {
                at -= 1;
            }
        }
        Text { bytes, at, json }
    }

    /// Returns the escape at `at`, without the surrogate that may follow, and its
    /// length in bytes. `None`: JSON has no such escape.
    fn escape(&self, at: usize) -> Option<(u32, usize)> {
        let rest = self.bytes.get(at..)?;
        if rest.first() != Some(&b'\\') {
            return None;
        }
        let letter = match rest.get(1)? {
            b'u' => {
                let digits = rest.get(2..6)?;
                let mut code = 0;
                for digit in digits {
                    code = code * 16 + char::from(*digit).to_digit(16)?;
                }
                return Some((code, 6));
            }
            b'b' => 0x8,
            b'f' => 0xc,
            b'n' => 0xa,
            b'r' => 0xd,
            b't' => 0x9,
            other @ (b'"' | b'\\' | b'/') => u32::from(*other),
            _ => return None,
        };
        Some((letter, 2))
    }

    fn escaped(&self) -> Option<(char, usize)> {
        let (code, length) = self.escape(self.at)?;
        if (0xd800..0xdc00).contains(&code)
            && let Some((low @ 0xdc00..0xe000, more)) = self.escape(self.at + length)
        {
            let both = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            return Some((char::from_u32(both)?, length + more));
        }
        Some((
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            length,
        ))
    }

    fn beyond_ascii(&self, first: u8) -> (char, usize) {
        let length = match first {
            0xc0..0xe0 => 2,
            0xe0..0xf0 => 3,
            _ => 4,
        };
        let known = self
            .bytes
            .get(self.at..self.at + length)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .and_then(|text| text.chars().next());
        match known {
            Some(letter) => (letter, length),
            None => (char::REPLACEMENT_CHARACTER, 1),
        }
    }
}

impl Iterator for Text<'_> {
    type Item = Letter;

    #[inline]
    fn next(&mut self) -> Option<Letter> {
        let first = *self.bytes.get(self.at)?;
        let (letter, length) = match first {
            b'\\' if self.json => self.escaped().unwrap_or(('\\', 1)),
            0..0x80 => (char::from(first), 1),
            _ => self.beyond_ascii(first),
        };
        let start = self.at;
        self.at += length;
        Some(Letter {
            letter,
            start,
            end: self.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Text;
    use proptest::prelude::*;

    fn decoded(bytes: &[u8], json: bool) -> String {
        Text::from(bytes, 0, json)
            .map(|letter| letter.letter)
            .collect()
    }

    #[test]
    fn escapes_are_what_they_stand_for() {
        let bytes = br#"a\u00e4\"\\u0041\n\/\ud83e\udd80\ud83e.\udd80\x\u00g"#;
        assert_eq!(
            decoded(bytes, true),
            "a\u{e4}\"\\u0041\n/\u{1f980}\u{fffd}.\u{fffd}\\x\\u00g"
        );
        assert_eq!(decoded(br"\n", false), r"\n");
        assert_eq!(decoded(b"a\xffb\xc3", true), "a\u{fffd}b\u{fffd}");
    }

    proptest! {
        /// Reading from the middle on yields the end of reading from the front
        /// on.
        #[test]
        fn the_middle_is_found(
            text in "[a-c\\\\\"\u{e4}\u{1f980}\n]{0,30}",
            ascii in any::<bool>(),
            at in 0_usize..200,
        ) {
            let mut json = serde_json::to_string(&text).unwrap();
            if ascii {
                let units = json.encode_utf16();
                json = units.map(|unit| match u8::try_from(unit) {
                    Ok(byte) if byte < 0x80 => char::from(byte).to_string(),
                    _ => format!("\\u{unit:04x}"),
                }).collect();
            }
            let bytes = json.as_bytes();
            let all: Vec<_> = Text::from(bytes, 0, true).collect();
            let mut part = Text::from(bytes, at, true);
            let from = part.next();
            if let Some(from) = from {
                prop_assert!(from.start <= at);
                // The second half of a pair is a letter of its own here.
                let rest: Vec<_> = part.collect();
                prop_assert!(all.ends_with(&rest));
                if from.letter != char::REPLACEMENT_CHARACTER {
                    prop_assert!(all.contains(&from));
                }
            }
        }
    }
}
