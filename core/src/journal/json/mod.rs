//! Decides whether a line is one JSON value.
//!
//! The text of a string is the most of a record. So each block of 64 bytes is read at
//! once, and a mask says where a string can end. The walk over the tokens asks that mask
//! and never recurses: a hostile record may nest as deep as it is long.

#[cfg(test)]
mod tests;

/// How many bytes are read at once.
const BLOCK: usize = 64;

/// Returns whether the line is one JSON value in UTF-8, with white space around it. The
/// verdict is that of `serde_json`, except that a newline is no white space here.
#[inline]
pub(super) fn is_value(line: &[u8]) -> bool {
    let mut scan = Scan {
        line,
        at: 0,
        block: 0,
        marks: 0,
        is_ascii: true,
    };
    scan.mark();
    scan.value().is_some() && (scan.is_ascii || simdutf8::basic::from_utf8(line).is_ok())
}

/// A walk over the tokens. Each step returns `None` if the line is not JSON.
struct Scan<'a> {
    line: &'a [u8],
    at: usize,
    /// The offset of the block that `marks` describes.
    block: usize,
    /// A bit for each byte of the block that a string can't just contain.
    marks: u64,
    is_ascii: bool,
}

impl Scan<'_> {
    #[inline(always)]
    fn value(&mut self) -> Option<()> {
        let mut open = Nesting::default();
        'value: loop {
            match self.token()? {
                b'"' => self.string()?,
                b'{' => {
                    self.at += 1;
                    if self.token()? != b'}' {
                        open.push(true);
                        self.key()?;
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    if self.token()? != b']' {
                        open.push(false);
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
                match self.token()? {
                    b',' => {
                        self.at += 1;
                        if is_object {
                            self.token()?;
                            self.key()?;
                        }
                        continue 'value;
                    }
                    b'}' if is_object => open.pop(),
                    b']' if !is_object => open.pop(),
                    _ => return None,
                }
                self.at += 1;
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
            self.at += 1;
        }
    }

    #[inline(always)]
    fn byte(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    #[inline(always)]
    fn word(&mut self, word: &[u8]) -> Option<()> {
        let found = self.line[self.at..].starts_with(word);
        self.at += word.len();
        found.then_some(())
    }

    /// Passes a key and its colon.
    #[inline(always)]
    fn key(&mut self) -> Option<()> {
        if self.byte()? != b'"' {
            return None;
        }
        self.string()?;
        if self.token()? != b':' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    #[inline(always)]
    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            if self.at - self.block >= BLOCK {
                self.mark();
            }
            let marks = self.marks >> (self.at - self.block);
            if marks == 0 {
                self.at = self.block + BLOCK;
                if self.at >= self.line.len() {
                    return None;
                }
                continue;
            }
            self.at += marks.trailing_zeros() as usize;
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    /// Passes an escape. Half of a surrogate pair is accepted: only a decoder minds it.
    #[inline(always)]
    fn escape(&mut self) -> Option<()> {
        let after = &self.line[self.at + 1..];
        self.at += match after.first()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' if after.get(1..5)?.iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return None,
        };
        Some(())
    }

    #[inline(always)]
    fn number(&mut self) -> Option<()> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte()? == b'0' {
            self.at += 1;
            if matches!(self.byte(), Some(b'0'..=b'9')) {
                return None;
            }
        } else {
            self.digits()?;
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

    #[inline(always)]
    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }

    /// Reads the block at this place. Near the end the last 64 bytes are read instead,
    /// and shifted.
    #[inline(always)]
    fn mark(&mut self) {
        self.block = self.at;
        let rest = self.line.get(self.at..).unwrap_or_default();
        let (marks, is_ascii) = if let Some(block) = rest.first_chunk() {
            marks_of(block)
        } else if let Some(last) = self.line.last_chunk() {
            let (marks, is_ascii) = marks_of(last);
            let passed = (BLOCK - rest.len()) as u32;
            (marks.checked_shr(passed).unwrap_or(0), is_ascii)
        } else {
            let mut block = [0; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            marks_of(&block)
        };
        self.marks = marks;
        self.is_ascii &= is_ascii;
    }
}

#[inline(always)]
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// The objects and arrays that are open: one bit each.
#[derive(Default)]
struct Nesting {
    bits: u64,
    depth: usize,
    outer: Vec<u64>,
}

impl Nesting {
    #[inline(always)]
    fn push(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(is_object);
        self.depth += 1;
    }

    #[inline(always)]
    fn pop(&mut self) {
        self.bits >>= 1;
        self.depth -= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.bits = self.outer.pop().unwrap_or_default();
        }
    }

    /// Returns whether the innermost is an object; `None` if nothing is open.
    #[inline(always)]
    fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.bits & 1 == 1)
    }
}

/// Returns a bit for each quote, backslash and control character, and whether all of the
/// block is ASCII.
#[inline(always)]
fn marks_of(block: &[u8; BLOCK]) -> (u64, bool) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is a part of x86-64.
    return unsafe { marks_by_sse2(block) };
    #[cfg(not(target_arch = "x86_64"))]
    marks_by_words(block)
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn marks_by_sse2(block: &[u8; BLOCK]) -> (u64, bool) {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x,
        _mm_set1_epi8, _mm_setzero_si128, _mm_xor_si128,
    };
    let mut marks = 0;
    let mut every = _mm_setzero_si128();
    for (n, sixteen) in block.as_chunks::<16>().0.iter().enumerate() {
        let halves = sixteen.as_chunks().0;
        let bytes = _mm_set_epi64x(i64::from_le_bytes(halves[1]), i64::from_le_bytes(halves[0]));
        // With this bit changed, the quote and the control characters are the least.
        let changed = _mm_xor_si128(bytes, _mm_set1_epi8(2));
        let least = _mm_cmpeq_epi8(_mm_min_epu8(changed, _mm_set1_epi8(0x20)), changed);
        let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
        let any = _mm_or_si128(least, backslash);
        marks |= u64::from(_mm_movemask_epi8(any).cast_unsigned()) << (16 * n);
        every = _mm_or_si128(every, bytes);
    }
    (marks, _mm_movemask_epi8(every) == 0)
}

/// Does the same with 8 bytes in a word, on every other processor.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn marks_by_words(block: &[u8; BLOCK]) -> (u64, bool) {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let (mut marks, mut high) = (0, 0);
    for (n, eight) in block.as_chunks().0.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        // The top bit of each byte says so. No sum carries into the next byte.
        let is = |wanted: u8| {
            let differs = eight ^ (ONES * u64::from(wanted));
            !(((differs & !HIGH) + !HIGH) | differs)
        };
        let is_control = !(((eight & !HIGH) + ONES * 0x60) | eight);
        let any = (is(b'"') | is(b'\\') | is_control) & HIGH;
        // Gathers the top bits in the last byte.
        marks |= ((any >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * n);
        high |= eight & HIGH;
    }
    (marks, high == 0)
}
