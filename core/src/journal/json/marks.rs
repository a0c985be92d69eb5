//! Finds the bytes at which a JSON string may end, 64 at once.

pub const BLOCK: usize = 64;

/// Returns a bit for each quote, backslash and control character, and whether all of the
/// block is ASCII.
#[inline(always)]
pub fn marks_of(block: &[u8; BLOCK]) -> (u64, bool) {
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

#[cfg(test)]
mod tests {
    use super::{BLOCK, marks_by_words, marks_of};

    #[test]
    fn both_ways_mark_what_a_loop_marks() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let mut block = [b'a'; BLOCK];
            for byte in &mut block {
                *byte = match random.u8(..8) {
                    0 => b'"',
                    1 => b'\\',
                    2 => random.u8(..0x22),
                    3 => random.u8(..),
                    _ => *byte,
                };
            }
            let marks = block.iter().rev().fold(0, |marks, byte| {
                marks << 1 | u64::from(matches!(byte, b'"' | b'\\' | 0..0x20))
            });
            let expected = (marks, block.is_ascii());
            assert_eq!(marks_of(&block), expected, "{block:?}");
            assert_eq!(marks_by_words(&block), expected, "{block:?}");
        }
    }
}
