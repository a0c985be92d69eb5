//! Recognises a file that is plainly not a journal: another kind of file that was
//! opened by mistake. Anything that a crash can leave of a journal still counts as one.

use std::path::Path;

use serde::de::IgnoredAny;

use crate::error::{Error, ErrorKind, Result};
use crate::journal::options::{Format, JournalOptions};
use crate::journal::record_policy::inspect;
use crate::sys::File;

/// How many bytes of the file's beginning are checked.
pub(crate) const HEAD: usize = 64 * 1024;

/// How many bytes suffice for most journals.
const FIRST: u64 = 512;

/// Is the kind of a file that is not a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    Utf16,
    Document,
    Binary,
    /// Plain text. Readers list its lines as damage, but no repair cuts its end.
    Text,
}

impl Foreign {
    /// Returns whether readers accept a file that begins with these bytes.
    pub fn is_accepted(options: &JournalOptions, bytes: &[u8]) -> bool {
        let head = &bytes[..bytes.len().min(HEAD)];
        matches!(Foreign::of(options, head), None | Some(Foreign::Text))
    }

    /// Judges a file by its beginning. A file shorter than [`HEAD`] is judged whole.
    pub fn of(options: &JournalOptions, head: &[u8]) -> Option<Foreign> {
        if options.format != Format::Json || looks_like_records(head) {
            return None;
        }
        if is_utf16(head) {
            return Some(Foreign::Utf16);
        }
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let text = head.trim_ascii_start();
        if text.first().is_none_or(|byte| *byte == 0) {
            // It is empty, or a power cut left only NULs.
            return None;
        }
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or(text);
        let first = first.split(|byte| *byte == 0).next().unwrap_or(first);
        match begins_with_value(first) {
            Value::Whole => return None,
            Value::Begun if is_document(text, first) => return Some(Foreign::Document),
            // A record that was torn off.
            Value::Begun => return None,
            Value::None => {}
        }
        let has_records = text
            .split(|byte| *byte == b'\n')
            .any(|line| !line.trim_ascii().is_empty() && inspect(line).is_none());
        if has_records {
            return None;
        }
        let control = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b);
        // The end of the head may cut a character.
        let utf8 = match std::str::from_utf8(text) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none(),
        };
        Some(match utf8 && !text.iter().any(control) {
            true => Foreign::Text,
            false => Foreign::Binary,
        })
    }

    /// Refuses to change a file that is plainly not a journal, unless the options allow
    /// it. Text may be appended to: no byte of it is cut.
    pub fn refuse(
        file: &File,
        size: u64,
        options: &JournalOptions,
        operation: &'static str,
        path: &Path,
    ) -> Result<()> {
        let os_error = |error| Error::os(operation, path, error);
        if options.cut_foreign_tail || options.format != Format::Json {
            return Ok(());
        }
        // Nearly every journal shows what it is by its first line.
        if looks_like_records(&file.read_first(size.min(FIRST)).map_err(os_error)?) {
            return Ok(());
        }
        let head = file.read_first(size.min(HEAD as u64)).map_err(os_error)?;
        match Foreign::of(options, &head) {
            None | Some(Foreign::Text) => Ok(()),
            Some(foreign) => Err(foreign
                .error(operation, path)
                .hint("to change it all the same, open it with cut_foreign_tail")),
        }
    }

    pub fn error(self, operation: &'static str, path: &Path) -> Error {
        let what = match self {
            Foreign::Utf16 => "it is text in UTF-16, and a journal is in UTF-8",
            Foreign::Document => "it is one JSON document over several lines",
            Foreign::Binary => "it is a binary file",
            Foreign::Text => "it is text, and none of its first lines is JSON",
        };
        Error::new(
            ErrorKind::Corrupt,
            operation,
            path,
            format!("not a journal: {what}; nothing was changed"),
        )
    }
}

/// Returns whether the file begins as nearly every journal does. This is quick.
fn looks_like_records(head: &[u8]) -> bool {
    let line = memchr::memchr(b'\n', head).map(|stop| head[..stop].trim_ascii_end());
    line.is_some_and(|line| line.starts_with(b"{") && line.ends_with(b"}"))
}

fn is_utf16(head: &[u8]) -> bool {
    let [a, b, c, d, ..] = head else {
        return false;
    };
    let marked = matches!((a, b), (0xff, 0xfe) | (0xfe, 0xff));
    let zeros = [*a, *b, *c, *d].map(|byte| byte == 0);
    // Lines of one NUL each, as power cuts leave them, look similar.
    let begins = matches!(a.max(b), b'{' | b'[' | b'"');
    let wide = zeros == [false, true, false, true] || zeros == [true, false, true, false];
    marked || begins && wide
}

enum Value {
    Whole,
    Begun,
    None,
}

fn begins_with_value(text: &[u8]) -> Value {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    match values.next() {
        None | Some(Ok(_)) => Value::Whole,
        Some(Err(error)) if error.is_eof() => Value::Begun,
        Some(Err(_)) => Value::None,
    }
}

/// Returns whether a value that begins on the first line continues after it. A torn
/// record and another program's newline do not look like that. After them a record
/// begins, which continues no cut value.
fn is_document(text: &[u8], first: &[u8]) -> bool {
    match begins_with_value(text) {
        Value::Whole => first.len() < text.len(),
        Value::Begun => text.len() + 64 > HEAD && matches!(first.trim_ascii(), b"{" | b"["),
        Value::None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Foreign;
    use crate::journal::options::{Format, JournalOptions};

    fn judge(head: &[u8]) -> Option<Foreign> {
        Foreign::of(&JournalOptions::default(), head)
    }

    #[test]
    fn other_kinds_of_files() {
        let wide =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let long = format!("[\n{}", "  {\"a\": 1},\n".repeat(6000));
        let cases: [(&[u8], Foreign); 10] = [
            (&wide("\u{feff}{\"a\":1}\r\n"), Foreign::Utf16),
            (&wide("{\"a\":1}\n"), Foreign::Utf16),
            (b"{\n  \"a\": 1\n}", Foreign::Document),
            (b"{\n  \"a\": 1\n}\n", Foreign::Document),
            (b"[\n{\"a\":1},\n{\"a\":2}\n]\n", Foreign::Document),
            (b"\xef\xbb\xbf{\n\"a\": 1}", Foreign::Document),
            (&long.as_bytes()[..super::HEAD], Foreign::Document),
            (b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\n\x56", Foreign::Binary),
            (b"SQLite format 3\0\x10\0", Foreign::Binary),
            (b"# Notes\n\nwithout an end", Foreign::Text),
        ];
        for (head, foreign) in cases {
            assert_eq!(
                judge(head),
                Some(foreign),
                "{:?}",
                String::from_utf8_lossy(head)
            );
        }
        let lines = JournalOptions::default().format(Format::Lines);
        assert_eq!(Foreign::of(&lines, b"\x1f\x8b\x08"), None);
    }

    #[test]
    fn what_a_crash_leaves_of_a_journal() {
        let record = "{\"a\":[1,{\"b\":\"\u{20ac}\u{1f980}\\n\"}],\"c\":null}\n{\"d\":2}\n";
        for cut in 0..record.len() {
            let cut = &record.as_bytes()[..cut];
            for nuls in [0, 1, 5000] {
                for rest in [&b""[..], b"\n", b"\n{\"e\":3}\n", b"{\"e\":3}\n"] {
                    let file = [cut, &vec![0; nuls], rest].concat();
                    assert_eq!(judge(&file), None, "{:?}", String::from_utf8_lossy(&file));
                }
            }
        }
        for file in [
            &b""[..],
            b"\n",
            b"\0\0\0",
            b"\0\0half\"}\n",
            b"12",
            b"tru",
            b"\"abc",
            b"{}{",
            b"   ",
            b"// notes\n{\"a\":1}\n",
            b"<<<<<<< HEAD\n{\"a\":1}\n",
            b"{\"a\":1,\n{\"b\":2}\n",
            b"[1,2\n[3]\n",
        ] {
            assert_eq!(judge(file), None, "{:?}", String::from_utf8_lossy(file));
        }
    }
}
