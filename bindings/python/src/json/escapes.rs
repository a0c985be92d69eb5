//! Escapes of JSON, read.

/// Replaces the escapes. Half of a surrogate pair is left to `json`.
pub fn unescape(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        if byte != b'\\' {
            let end = rest.iter().position(|&byte| byte == b'\\');
            let run = end.unwrap_or(rest.len());
            out.extend_from_slice(&rest[..run]);
            rest = &rest[run..];
            continue;
        }
        let letter = *rest.get(1)?;
        rest = &rest[2..];
        out.push(match letter {
            b'"' | b'\\' | b'/' => letter,
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 0x08,
            b'f' => 0x0c,
            b'u' => {
                let character;
                (character, rest) = by_number(rest)?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            _ => return None,
        });
    }
    Some(())
}

/// The character of one escape, or of two, and what follows them.
fn by_number(text: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = (unit(text)?, &text[4..]);
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((character, rest));
    }
    let second = unit(rest.strip_prefix(b"\\u")?)?;
    let mut pair = char::decode_utf16([first, second]);
    Some((pair.next()?.ok()?, &rest[6..]))
}

fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.get(..4)?;
    // The standard library would take a sign, too.
    let all = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| all)?;
    u16::from_str_radix(digits, 16).ok()
}
