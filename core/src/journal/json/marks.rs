//! Marks the bytes of a line that a string can't just contain: quotes, backslashes and
//! control characters.

/// A bit of a word describes one of so many bytes.
const BLOCK: usize = 64;
/// So many words are filled at once.
const WORDS: usize = 16;

/// The words stand by themselves, so that all else of [`Marks`] fits into registers.
pub(super) type Words = [u64; WORDS];

/// The marks of a line, in their order.
pub(super) struct Marks<'a> {
    line: &'a [u8],
    words: &'a mut Words,
    /// How many words were filled.
    filled: usize,
    /// The word after the one that `bits` is from.
    next: usize,
    /// The offset of the byte that the first bit of `bits` describes.
    block: usize,
    /// A bit for each mark of the block that was not passed.
    bits: u64,
    /// Whether all that was read so far is ASCII.
    pub is_ascii: bool,
}

impl Marks<'_> {
    #[inline(always)]
    pub fn of<'a>(line: &'a [u8], words: &'a mut Words) -> Marks<'a> {
        let (filled, is_ascii) = fill(words, line);
        Marks {
            line,
            filled,
            next: filled.min(1),
            block: 0,
            bits: words[0],
            words,
            is_ascii,
        }
    }

    /// Passes the next mark and returns its offset.
    #[inline(always)]
    pub fn pass(&mut self) -> Option<usize> {
        while self.bits == 0 {
            self.block += BLOCK;
            if self.next == self.filled {
                let (filled, is_ascii) = refill(self.words, self.line, self.block);
                if filled == 0 {
                    return None;
                }
                self.filled = filled;
                self.next = 0;
                self.is_ascii &= is_ascii;
            }
            self.bits = self.words[self.next % WORDS];
            self.next += 1;
        }
        let at = self.block + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(at)
    }
}

/// Fills the words again. The line may have ended before this offset.
#[cold]
#[inline(never)]
fn refill(words: &mut Words, line: &[u8], from: usize) -> (usize, bool) {
    fill(words, line.get(from..).unwrap_or_default())
}

/// Marks the first bytes of the line, as many as the words describe. Returns how many words
/// were filled, and whether these bytes are ASCII. By value, so that the walk keeps all that
/// it knows in registers.
#[inline(never)]
fn fill(words: &mut Words, line: &[u8]) -> (usize, bool) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: this processor has AVX2.
        return unsafe { fill_by_avx2(words, line) };
    }
    fill_by(words, line, marks_of)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn fill_by_avx2(words: &mut Words, line: &[u8]) -> (usize, bool) {
    fill_by(words, line, |block| marks_by_avx2(block))
}

#[inline(always)]
fn fill_by(
    words: &mut Words,
    line: &[u8],
    marks_of: impl Fn(&[u8; BLOCK]) -> (u64, bool),
) -> (usize, bool) {
    let mut filled = 0;
    let mut all_ascii = true;
    let (blocks, rest) = line.as_chunks();
    for (word, block) in words.iter_mut().zip(blocks) {
        let is_ascii;
        (*word, is_ascii) = marks_of(block);
        all_ascii &= is_ascii;
        filled += 1;
    }
    if filled < WORDS && !rest.is_empty() {
        let (marks, is_ascii) = if let Some(last) = line.last_chunk() {
            // The last 64 bytes are read instead, and shifted.
            let (marks, is_ascii) = marks_of(last);
            (marks >> (BLOCK - rest.len()), is_ascii)
        } else {
            // No mark fills the block.
            let mut block = [b' '; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            marks_of(&block)
        };
        words[filled] = marks;
        all_ascii &= is_ascii;
        filled += 1;
    }
    (filled, all_ascii)
}

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
#[target_feature(enable = "avx2")]
fn marks_by_avx2(block: &[u8; BLOCK]) -> (u64, bool) {
    use std::arch::x86_64::{
        _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8,
        _mm256_or_si256, _mm256_set1_epi8, _mm256_xor_si256,
    };
    let half = |at: usize| {
        // SAFETY: reads 32 bytes of the block, which may be anywhere.
        let bytes = unsafe { _mm256_loadu_si256(block[at..at + 32].as_ptr().cast()) };
        // With this bit changed, the quote and the control characters are the least.
        let changed = _mm256_xor_si256(bytes, _mm256_set1_epi8(2));
        let least = _mm256_cmpeq_epi8(_mm256_min_epu8(changed, _mm256_set1_epi8(0x20)), changed);
        let backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\\'.cast_signed()));
        let any = _mm256_movemask_epi8(_mm256_or_si256(least, backslash));
        (u64::from(any.cast_unsigned()), bytes)
    };
    // Not as a loop: a build for size would keep that.
    let (low, first) = half(0);
    let (high, second) = half(32);
    let every = _mm256_or_si256(first, second);
    (low | high << 32, _mm256_movemask_epi8(every) == 0)
}

/// Does the same on a processor that has no AVX2.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn marks_by_sse2(block: &[u8; BLOCK]) -> (u64, bool) {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8, _mm_setzero_si128, _mm_xor_si128,
    };
    let mut marks = 0;
    let mut every = _mm_setzero_si128();
    for (n, sixteen) in block.as_chunks::<16>().0.iter().enumerate() {
        // SAFETY: reads these 16 bytes, which may be anywhere.
        let bytes = unsafe { _mm_loadu_si128(sixteen.as_ptr().cast()) };
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

#[cfg(test)]
mod tests {
    use super::{BLOCK, Marks, Words, marks_by_words, marks_of};

    fn is_mark(byte: u8) -> bool {
        matches!(byte, b'"' | b'\\' | 0..0x20)
    }

    fn noise(random: &mut fastrand::Rng, len: usize) -> Vec<u8> {
        let byte = |random: &mut fastrand::Rng| match random.u8(..8) {
            0 => b'"',
            1 => b'\\',
            2 => random.u8(..0x22),
            3 => random.u8(..),
            _ => b'a',
        };
        (0..len).map(|_| byte(random)).collect()
    }

    #[test]
    fn each_way_marks_what_a_loop_marks() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let block: [u8; BLOCK] = noise(&mut random, BLOCK).try_into().unwrap();
            let marks = block
                .iter()
                .rev()
                .fold(0, |marks, byte| marks << 1 | u64::from(is_mark(*byte)));
            let expected = (marks, block.is_ascii());
            assert_eq!(marks_of(&block), expected, "{block:?}");
            assert_eq!(marks_by_words(&block), expected, "{block:?}");
            #[cfg(target_arch = "x86_64")]
            if std::is_x86_feature_detected!("avx2") {
                // SAFETY: this processor has AVX2.
                let marks = unsafe { super::marks_by_avx2(&block) };
                assert_eq!(marks, expected, "{block:?}");
            }
        }
    }

    #[test]
    fn each_mark_of_a_line_comes_once_whatever_its_length() {
        let mut random = fastrand::Rng::with_seed(3);
        for len in (0..400).chain([1_023, 1_024, 1_025, 2_048, 5_000]) {
            let line = noise(&mut random, len);
            let mut words = Words::default();
            let mut marks = Marks::of(&line, &mut words);
            let passed: Vec<usize> = std::iter::from_fn(|| marks.pass()).collect();
            let expected: Vec<usize> = (0..len).filter(|at| is_mark(line[*at])).collect();
            assert_eq!(passed, expected, "{line:?}");
            assert_eq!(marks.is_ascii, line.is_ascii(), "{line:?}");
        }
    }
}
