//! Decides whether a document is JSON: one verdict for all languages.

use std::path::Path;

use serde::de::IgnoredAny;

use crate::error::{Error, ErrorKind, Result};

const MARK: &[u8] = b"\xef\xbb\xbf";

/// Returns the text of a document that must be one JSON value. `bytes` are those
/// that [`load`] returned; a byte order mark is skipped. `path` is for the
/// message.
///
/// Each language's own decoder judges the values. This function judges what is
/// JSON, so that a file is damaged in all languages or in none. `NaN` is not
/// JSON. An escape that is half of a surrogate pair is JSON, and so are numbers
/// of any size and nesting of any depth.
///
/// ```
/// let text = untorn::document_json("state.json", b"\xef\xbb\xbf{\"turns\":1}")?;
/// assert_eq!(text, r#"{"turns":1}"#);
/// let error = untorn::document_json("state.json", b"{\"turns\":NaN}").unwrap_err();
/// assert_eq!(error.kind(), untorn::ErrorKind::Corrupt);
/// # Ok::<(), untorn::Error>(())
/// ```
///
/// # Errors
/// `CORRUPT`, with what the file holds instead. It is empty or NULs, as power
/// cuts leave a file; or UTF-16 or UTF-32; or not UTF-8; or not JSON, with the
/// place.
///
/// [`load`]: crate::Document::load
pub fn document_json(path: impl AsRef<Path>, bytes: &[u8]) -> Result<&str> {
    let text = bytes.strip_prefix(MARK).unwrap_or(bytes);
    judge(text).map_err(|why| Error::new(ErrorKind::Corrupt, "load", path.as_ref(), why))
}

fn judge(text: &[u8]) -> std::result::Result<&str, String> {
    let is_nothing = |byte: &u8| matches!(byte, 0 | b' ' | b'\t' | b'\r' | b'\n');
    if text.iter().all(is_nothing) {
        return Err(format!(
            "the file holds no value ({} bytes): another program has truncated it, or a power cut \
             has emptied it; restore it, or save a new value",
            text.len()
        ));
    }
    // JSON in UTF-8 has no NUL among its first bytes.
    let wide = text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff");
    if wide || text.iter().take(4).any(|byte| *byte == 0) {
        return Err(
            "not JSON in UTF-8: the text is UTF-16 or UTF-32; convert it to UTF-8".to_owned(),
        );
    }
    let text = std::str::from_utf8(text)
        .map_err(|error| format!("not UTF-8, from byte {} on", error.valid_up_to()))?;
    match serde_json::from_slice::<IgnoredAny>(text.as_bytes()) {
        Ok(_) => Ok(text),
        Err(error) => Err(format!("not JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::document_json;
    use crate::ErrorKind;

    #[test]
    fn what_is_json() {
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        let long = [b"{\"id\":", &vec![b'9'; 5000][..], b"}"].concat();
        for json in [
            &b"{}"[..],
            b"\xef\xbb\xbf{\"a\":1}\r\n",
            b" \t\r\n1e999 ",
            br#"{"a":"\ud83d","b":"\ude00\ud83d"}"#,
            br#"{"a":1,"a":2}"#,
            b"null",
            &deep,
            &long,
        ] {
            let text = document_json("d", json).unwrap();
            assert!(!text.starts_with('\u{feff}'));
        }
    }

    #[test]
    fn what_is_not_and_why() {
        let wide = |text: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(order).collect()
        };
        let utf32: Vec<u8> = "{}"
            .chars()
            .flat_map(|c| (c as u32).to_le_bytes())
            .collect();
        let cases: [(&[u8], &str); 16] = [
            (b"", "no value (0 bytes)"),
            (b" \n", "no value (2 bytes)"),
            (&[0; 200], "no value (200 bytes)"),
            (b"\xef\xbb\xbf", "no value (0 bytes)"),
            (&wide("\u{feff}{\"a\":1}", u16::to_le_bytes), "UTF-16"),
            (&wide("{\"a\":1}", u16::to_le_bytes), "UTF-16"),
            (&wide("{\"a\":1}", u16::to_be_bytes), "UTF-16"),
            (&utf32, "UTF-32"),
            (b"{\"a\":NaN}", "not JSON"),
            (b"[Infinity]", "not JSON"),
            (b"{\"a\":1, // c\n}", "not JSON"),
            (b"{\"a\":1}{\"a\":1}", "not JSON"),
            (b"{\"a\":1,\"b", "not JSON"),
            (b"{\"a\":1}\0\0", "not JSON"),
            (b"{\"a\":\"\xe9\"}", "not UTF-8, from byte 6 on"),
            (b"\"\xed\xa0\xbd\"", "not UTF-8"),
        ];
        for (bytes, why) in cases {
            let error = document_json("d", bytes).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
