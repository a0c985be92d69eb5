//! Decides whether a line is one JSON value.
//!
//! The text of a string is the most of a record. So `marks.rs` reads 64 bytes at once, and
//! says where a string can end. The walk over the tokens goes from mark to mark. Outside of
//! strings only quotes and white space are marks, so it passes each mark when it comes to
//! that byte. It never recurses: a hostile record may nest as deep as it is long.

mod marks;
mod nesting;
#[cfg(test)]
mod tests;

use marks::{Marks, Words};
use nesting::{Deep, Nesting, Shallow};

/// Returns whether the line is one JSON value in UTF-8, with white space around it. The
/// verdict is that of `serde_json`, except that a newline is no white space here.
#[inline]
pub(super) fn is_value(line: &[u8]) -> bool {
    let mut words = Words::default();
    let mut walk = Walk::of(line, &mut words);
    let is_value = walk.value::<Shallow>().is_some();
    if !is_value {
        return is_deep_value(line);
    }
    walk.marks.is_ascii || simdutf8::basic::from_utf8(line).is_ok()
}

/// Decides about a line that may nest too deep for the quick way.
#[cold]
fn is_deep_value(line: &[u8]) -> bool {
    let mut words = Words::default();
    let is_value = Walk::of(line, &mut words).value::<Deep>().is_some();
    is_value && simdutf8::basic::from_utf8(line).is_ok()
}

/// A walk over the tokens. Each step returns `None` if the line is not JSON.
struct Walk<'a> {
    line: &'a [u8],
    at: usize,
    /// The marks from `at` on.
    marks: Marks<'a>,
}

impl Walk<'_> {
    #[inline(always)]
    fn of<'a>(line: &'a [u8], words: &'a mut Words) -> Walk<'a> {
        Walk {
            line,
            at: 0,
            marks: Marks::of(line, words),
        }
    }

    #[inline(always)]
    fn value<N: Nesting>(&mut self) -> Option<()> {
        let mut open = N::default();
        'value: loop {
            match self.token()? {
                b'"' => self.string()?,
                b'{' => {
                    self.at += 1;
                    match self.token()? {
                        b'"' => {
                            open.push(true)?;
                            if !self.member()? {
                                continue;
                            }
                        }
                        b'}' => self.at += 1,
                        _ => return None,
                    }
                }
                b'[' => {
                    self.at += 1;
                    if self.token()? != b']' {
                        open.push(false)?;
                        continue;
                    }
                    self.at += 1;
                }
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => return None,
            }
            while let Some(is_object) = open.innermost() {
                if !self.passes(b',') {
                    match self.token()? {
                        b',' if is_object => {
                            self.at += 1;
                            if self.token()? != b'"' {
                                return None;
                            }
                        }
                        b',' => {
                            self.at += 1;
                            continue 'value;
                        }
                        b'}' if is_object => {
                            self.at += 1;
                            open.pop();
                            continue;
                        }
                        b']' if !is_object => {
                            self.at += 1;
                            open.pop();
                            continue;
                        }
                        _ => return None,
                    }
                }
                if !is_object {
                    self.string()?;
                } else if !self.member()? {
                    continue 'value;
                }
            }
            let after = &self.line[self.at..];
            return after.iter().copied().all(is_space).then_some(());
        }
    }

    /// Returns the next byte that is no white space, and leaves the walk at it.
    #[inline(always)]
    fn token(&mut self) -> Option<u8> {
        loop {
            let byte = self.byte()?;
            // Nearly every token follows at once, and no white space is greater.
            if byte > b' ' || !is_space(byte) {
                return Some(byte);
            }
            if byte != b' ' {
                self.marks.pass();
            }
            self.at += 1;
        }
    }

    #[inline(always)]
    fn byte(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    /// Passes `sign` if a string follows as encoders write it: at once, or after one space.
    #[inline(always)]
    fn passes(&mut self, sign: u8) -> bool {
        // The string ends after its first quote, so three bytes are there.
        let Some([first, second, third, ..]) = self.line.get(self.at..) else {
            return false;
        };
        if *first != sign {
            return false;
        }
        if *second == b'"' {
            self.at += 1;
            return true;
        }
        if *second == b' ' && *third == b'"' {
            self.at += 2;
            return true;
        }
        false
    }

    #[inline(always)]
    fn word(&mut self, word: &[u8]) -> Option<()> {
        let found = self.line[self.at..].starts_with(word);
        self.at += word.len();
        found.then_some(())
    }

    /// Passes a key and its colon, and its value too if that is a string. Returns whether
    /// it is one. The walk is at the key's first quote.
    #[inline(always)]
    fn member(&mut self) -> Option<bool> {
        self.string()?;
        if self.passes(b':') {
            self.string()?;
            return Some(true);
        }
        if self.token()? != b':' {
            return None;
        }
        self.at += 1;
        Some(false)
    }

    /// Passes a string; the walk is at its first quote.
    #[inline(always)]
    fn string(&mut self) -> Option<()> {
        let first = self.marks.pass();
        debug_assert_eq!(first, Some(self.at));
        loop {
            self.at = self.marks.pass()?;
            let byte = self.byte()?;
            if byte == b'"' {
                self.at += 1;
                return Some(());
            }
            if byte != b'\\' {
                return None;
            }
            self.escape()?;
        }
    }

    /// Passes an escape. Half of a surrogate pair is accepted: only a decoder minds it.
    #[inline(always)]
    fn escape(&mut self) -> Option<()> {
        let after = &self.line[self.at + 1..];
        match after.first()? {
            b'"' | b'\\' => {
                self.marks.pass();
            }
            b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
            b'u' if after.get(1..5)?.iter().all(u8::is_ascii_hexdigit) => {}
            _ => return None,
        }
        Some(())
    }

    #[inline(always)]
    fn number(&mut self) -> Option<()> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        let first = self.at;
        let digits = self.digits()?;
        // Only one zero stands in front.
        if digits > 1 && self.line[first] == b'0' {
            return None;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// Passes digits, and returns how many.
    #[inline(always)]
    fn digits(&mut self) -> Option<usize> {
        let from = self.at;
        while let Some(eight) = self.line.get(self.at..).and_then(<[u8]>::first_chunk) {
            let digits = leading_digits(*eight);
            self.at += digits;
            if digits < eight.len() {
                let digits = self.at - from;
                return (digits > 0).then_some(digits);
            }
        }
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        let digits = self.at - from;
        (digits > 0).then_some(digits)
    }
}

/// Returns how many digits come first.
#[inline(always)]
fn leading_digits(bytes: [u8; 8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    // A digit becomes its value. The top bit of each byte then says that it is none: no sum
    // carries into the next byte.
    let values = u64::from_le_bytes(bytes) ^ (ONES * 0x30);
    let others = (((values & (ONES * 0x7f)) + ONES * 0x76) | values) & (ONES * 0x80);
    others.trailing_zeros() as usize / 8
}

#[inline(always)]
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}
