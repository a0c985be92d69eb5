//! Numbers, as Python writes them.

use std::io::Write;

/// Writes an integer.
pub fn integer(number: i64, out: &mut Vec<u8>) {
    // Writing into memory can't fail.
    let _ = write!(out, "{number}");
}

/// Writes a finite float as `repr` does: the shortest digits that are read as the same float.
pub fn float(number: f64, out: &mut Vec<u8>) {
    // `-1.234e-5`: the same digits as `repr`'s, always laid out with an exponent.
    let mut spelled = [0; 32];
    let mut room = &mut spelled[..];
    let _ = write!(room, "{number:e}");
    let left = room.len();
    let spelled = &spelled[..32 - left];
    let (sign, spelled) = match spelled {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, spelled),
    };
    if sign {
        out.push(b'-');
    }
    let split = spelled
        .iter()
        .position(|&byte| byte == b'e')
        .unwrap_or(spelled.len());
    let (digits, power) = spelled.split_at(split);
    let power: i32 = std::str::from_utf8(&power[1..])
        .unwrap_or("0")
        .parse()
        .unwrap_or(0);
    // Without the point, behind the first digit.
    let (first, more) = (digits[0], digits.get(2..).unwrap_or_default());
    match power {
        // As `repr`: 16 digits before the point, 4 zeros behind it at the most.
        0..16 => {
            let before = usize::try_from(power).unwrap_or(0);
            out.push(first);
            if more.len() > before {
                out.extend_from_slice(&more[..before]);
                out.push(b'.');
                out.extend_from_slice(&more[before..]);
            } else {
                out.extend_from_slice(more);
                out.extend(std::iter::repeat_n(b'0', before - more.len()));
                out.extend_from_slice(b".0");
            }
        }
        -4..0 => {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(
                b'0',
                usize::try_from(-power - 1).unwrap_or(0),
            ));
            out.push(first);
            out.extend_from_slice(more);
        }
        _ => {
            out.push(first);
            if !more.is_empty() {
                out.push(b'.');
                out.extend_from_slice(more);
            }
            let sign = if power < 0 { '-' } else { '+' };
            let _ = write!(out, "e{sign}{:02}", power.unsigned_abs());
        }
    }
}
