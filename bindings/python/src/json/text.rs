//! Strings, and what is escaped in them.

use super::style::Style;

const ONES: u64 = u64::from_le_bytes([1; 8]);
/// Visible ASCII ends before it.
const DELETE: u8 = 0x7f;
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

/// The letter behind the backslash; `u` for an escape by number, 0 for none.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[b'\t' as usize] = b't';
    table[0x08] = b'b';
    table[0x0c] = b'f';
    table
};

/// Marks the bytes of a word that end a plain run: a quote, a backslash, a control character; with `ascii` also
/// what is not a visible character of ASCII.
fn ends(word: u64, ascii: bool) -> u64 {
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let is = |byte: u8| zero(word ^ (ONES * u64::from(byte)));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let other = if ascii { is(DELETE) | word } else { 0 };
    (control | is(b'"') | is(b'\\') | other) & HIGH
}

/// The length of the run at the start of `text` that needs no escape.
pub fn plain_run(text: &[u8], ascii: bool) -> usize {
    let mut run = 0;
    for word in text.chunks_exact(8) {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        let found = ends(word, ascii);
        if found != 0 {
            // A borrow may mark a byte behind the first that ends the run, never one before it.
            return run + (found.trailing_zeros() / 8) as usize;
        }
        run += 8;
    }
    let ends = |byte: &u8| ESCAPES[usize::from(*byte)] != 0 || (ascii && *byte >= DELETE);
    run + text[run..]
        .iter()
        .position(ends)
        .unwrap_or(text.len() - run)
}

/// Writes a text, which is UTF-8, with its quotes.
pub fn quoted(text: &[u8], style: &Style<'_>, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    loop {
        let run = plain_run(rest, style.ascii);
        out.extend_from_slice(&rest[..run]);
        rest = &rest[run..];
        let Some(&byte) = rest.first() else { break };
        rest = match ESCAPES[usize::from(byte)] {
            0 => escaped_character(rest, out),
            b'u' => {
                escape_by_number(u16::from(byte), out);
                &rest[1..]
            }
            letter => {
                out.extend_from_slice(&[b'\\', letter]);
                &rest[1..]
            }
        };
    }
    out.push(b'"');
}

/// Writes the first character as one escape, or as two beyond the 16 bits of one; returns what follows it.
fn escaped_character<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let length = match text[0] {
        0xf0.. => 4,
        0xe0.. => 3,
        0x80.. => 2,
        _ => 1,
    };
    let (first, rest) = text.split_at(length.min(text.len()));
    let mut units = [0; 2];
    let character = std::str::from_utf8(first)
        .ok()
        .and_then(|one| one.chars().next());
    for unit in character.unwrap_or_default().encode_utf16(&mut units) {
        escape_by_number(*unit, out);
    }
    rest
}

fn escape_by_number(unit: u16, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(DIGITS[usize::from(unit >> shift & 15)]);
    }
}
