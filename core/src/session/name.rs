//! Maps keys to file names, and back.
//!
//! Any string is a key. File systems differ in the names that they accept, and in
//! the names that they take for the same. So a name has only characters that all
//! of them keep apart: lower-case letters, digits, `-`, `_` and inner dots. A
//! capital letter is `+` and the small one, since many file systems fold case.
//! Every other byte is `%` and two digits, also beyond ASCII, since some file
//! systems normalise that.

use std::fmt::Write as _;

use crate::recovery::transaction::names;

/// The longest name, so that the names next to it (`NAME.lock`, a temporary) stay
/// below 255 bytes, which is the limit nearly everywhere.
const LONGEST: usize = 200;
/// How much of a longer key stays legible.
const START: usize = 120;
/// Comes before the hash of a longer key; no other name has it.
const HASHED: char = '=';
/// Bytes of the hash: enough that no program can find two keys with the same one,
/// even on purpose.
const HASH: usize = 20;
/// The extensions of this library's own files next to a file.
const OURS: &[&str] = &["lock", "guard", "holder", "torn", "redo", "untorn"];
/// The names that Windows keeps for devices, with any extension too.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul"];
/// The length of `com1`.
const LONGEST_DEVICE: usize = 4;

/// The name of a file, or of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub text: String,
    /// Whether the name has a hash, so that the key can't be decoded from it.
    pub hashed: bool,
}

/// Returns the name for this key. Two keys never have the same name, whatever the
/// file system does to case and to accents.
pub(super) fn encode(key: &str) -> Name {
    let text = escape(key);
    if text.len() <= LONGEST {
        return Name {
            text,
            hashed: false,
        };
    }
    let mut text = start(&text, START).to_owned();
    text.push(HASHED);
    for byte in &hmac_sha256::Hash::hash(key.as_bytes())[..HASH] {
        hex(&mut text, *byte);
    }
    Name { text, hashed: true }
}

/// Returns the key that has this name; `None` if the name is not ours, or is that
/// of a key that is too long for it.
pub(super) fn decode(name: &str) -> Option<String> {
    if name == "%" {
        return Some(String::new());
    }
    if is_as_its_key(name) {
        return Some(name.to_owned());
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => rest.next()?.to_ascii_uppercase(),
            b'%' => 16 * digit(rest.next()?)? + digit(rest.next()?)?,
            _ => byte,
        });
    }
    let key = String::from_utf8(bytes).ok()?;
    // Only the one name that we would give the key counts. Another program's
    // directory must not be taken for a session.
    (escape(&key) == name && name.len() <= LONGEST).then_some(key)
}

/// Returns whether nothing in the name is escaped, so that the key is the same. A name with
/// a dot may be; a closer look decides about it.
fn is_as_its_key(name: &str) -> bool {
    let is_plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(is_plain)
        && !name.starts_with('-')
        && !is_device(name)
}

/// Returns whether the name stands for a key that is too long for it.
pub(super) fn is_hashed(name: &str) -> bool {
    name.contains(HASHED)
}

/// Returns the name of a file from the caller's name for it. It is as for a key,
/// but a long name keeps its extension.
pub(super) fn of_file(called: &str) -> String {
    let name = encode(called);
    match called.rsplit_once('.') {
        Some((_, extension)) if name.hashed => {
            let extension = escape(extension);
            if (1..=16).contains(&extension.len()) && !OURS.contains(&&*extension) {
                return format!("{}.{extension}", name.text);
            }
            name.text
        }
        _ => name.text,
    }
}

/// Checks that a file may have this name unchanged: it stays within the
/// directory, and is not one of this library's own names.
pub(super) fn is_plain_file(name: &str) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("{name:?} can't be the name of a file here: {why}"));
    if name.is_empty() || name == "." || name == ".." {
        return refuse("it names no file");
    }
    if !names::is_plain(name) || name.contains(['\\', ':']) {
        return refuse("it must be a name in the session's directory, without a path");
    }
    if names::is_reserved(name) {
        return refuse("this library uses such names itself");
    }
    if name.len() > LONGEST {
        return refuse("it is too long: a lock and temporaries must fit next to it");
    }
    Ok(())
}

fn escape(key: &str) -> String {
    if key.is_empty() {
        return "%".to_owned();
    }
    let mut text = String::with_capacity(key.len() + 8);
    let last_dot = key.rfind('.');
    for (at, byte) in key.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' => text.push(char::from(byte)),
            // At the start it would be an option of every command.
            b'-' if at > 0 => text.push('-'),
            b'A'..=b'Z' => {
                text.push('+');
                text.push(char::from(byte.to_ascii_lowercase()));
            }
            // At the start it hides the file, at the end Windows drops it, and
            // `a.lock` is the lock of `a`.
            b'.' if at > 0
                && at + 1 < key.len()
                && !(last_dot == Some(at) && OURS.contains(&&key[at + 1..])) =>
            {
                text.push('.');
            }
            _ => {
                text.push('%');
                hex(&mut text, byte);
            }
        }
    }
    if is_device(&text) {
        let rest = text.split_off(1);
        let first = text.as_bytes()[0];
        text.clear();
        text.push('%');
        hex(&mut text, first);
        text.push_str(&rest);
    }
    text
}

fn is_device(text: &str) -> bool {
    let base = text.split('.').next().unwrap_or_default();
    // Most names are longer.
    if base.len() > LONGEST_DEVICE {
        return false;
    }
    let numbered = |name: &str| {
        base.strip_prefix(name)
            .is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
    };
    DEVICES.contains(&base) || numbered("com") || numbered("lpt")
}

/// Returns the first bytes, not cut within an escape.
fn start(text: &str, length: usize) -> &str {
    let bytes = text.as_bytes();
    let mut end = length.min(text.len());
    if end > 0 && bytes[end - 1] == b'+' {
        end -= 1;
    }
    while let Some(at) = text[..end].rfind('%').filter(|at| at + 3 > end) {
        end = at;
    }
    &text[..end]
}

fn hex(text: &mut String, byte: u8) {
    // Writing to a string can't fail.
    let _ = write!(text, "{byte:02x}");
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, decode, encode, is_hashed, is_plain_file, of_file};
    use proptest::prelude::*;

    /// `docs/protocol.md` has some of these.
    #[test]
    fn names_of_keys() {
        for (key, name) in [
            ("", "%"),
            ("plain-key_1", "plain-key_1"),
            ("Session", "+session"),
            ("chat:42/a\\b", "chat%3a42%2fa%5cb"),
            (".", "%2e"),
            ("..", "%2e%2e"),
            (".hidden", "%2ehidden"),
            ("ends.", "ends%2e"),
            ("ends ", "ends%20"),
            ("v1.2", "v1.2"),
            ("a.lock", "a%2elock"),
            ("a.lock.b", "a.lock.b"),
            ("con", "%63on"),
            ("CON", "+c+o+n"),
            ("nul.txt", "%6eul.txt"),
            ("com1.tar.gz", "%63om1.tar.gz"),
            ("com10", "com10"),
            ("-rf", "%2drf"),
            ("line\n", "line%0a"),
            ("\u{e4}", "%c3%a4"),
            ("a\u{308}", "a%cc%88"),
            ("100%", "100%25"),
            ("a+b", "a%2bb"),
            ("x=y", "x%3dy"),
        ] {
            let made = encode(key);
            assert_eq!((made.text.as_str(), made.hashed), (name, false), "{key:?}");
            assert_eq!(decode(name).as_deref(), Some(key), "{name:?}");
        }
    }

    #[test]
    fn names_that_are_nobodys() {
        for name in [
            "", "Session", "a b", "%%", "%4", "%zz", "%41", "%E4", "+", "+1", "++a", "con",
            "nul.txt", ".hidden", "-rf", "a.lock", "ends.", "%ff", "\u{e4}", "%61", "a=b",
        ] {
            assert_eq!(decode(name), None, "{name:?}");
        }
    }

    #[test]
    fn long_keys_have_short_names() {
        let key = "A\u{1f980}".repeat(100);
        let name = encode(&key);
        assert!(name.hashed && is_hashed(&name.text) && name.text.len() <= LONGEST);
        assert_eq!(decode(&name.text), None);
        assert!(name.text.starts_with("+a%f0%9f%a6%80+a"));
        assert_ne!(name, encode(&(key.clone() + "a")));
        // As in `sha256sum`, so that other programs can find the directory.
        let longest = "x".repeat(LONGEST + 1);
        assert_eq!(
            encode(&longest).text,
            format!(
                "{}={}",
                "x".repeat(120),
                "84a0678c90937f5dcf9994d5866668da6b995109"
            )
        );
        assert!(!encode(&longest[1..]).hashed);
    }

    #[test]
    fn files_keep_their_extension() {
        assert_eq!(of_file("Photo 1.JPG"), "+photo%201.+j+p+g");
        let long = "n".repeat(300) + ".png";
        let name = of_file(&long);
        assert!(name.ends_with(".png") && name.len() < 230, "{name}");
        assert!(!of_file(&("n".repeat(300) + ".lock")).ends_with(".lock"));
    }

    #[test]
    fn plain_file_names() {
        for name in ["state.toml", "context.jsonl", "Result", ".env"] {
            is_plain_file(name).unwrap();
        }
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            "c:x",
            ".untorn.txn",
            "a.lock",
            "x.torn",
            "\0",
        ] {
            assert!(is_plain_file(name).is_err(), "{name:?}");
        }
    }

    /// Folds the differences that a file system may ignore: case, a trailing dot
    /// or space, the device before the extension.
    fn folded(name: &str) -> String {
        name.to_lowercase().trim_end_matches(['.', ' ']).to_owned()
    }

    fn key() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[a-cA-C]{0,3}",
            2 => "[.:/\\\\ +%=-]{1,2}",
            1 => Just("con".to_owned()),
            1 => Just("LPT1".to_owned()),
            1 => Just(".lock".to_owned()),
            1 => Just("a\u{308}\u{e4}".to_owned()),
            1 => any::<String>(),
            1 => "[a-z\u{e4}]{90,120}",
        ];
        proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn keys_go_round_and_never_meet(one in key(), other in key()) {
            let name = encode(&one);
            prop_assert!(!name.text.is_empty() && name.text.len() <= LONGEST);
            let allowed = |byte: u8| {
                matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'+' | b'%' | b'=')
            };
            prop_assert!(name.text.bytes().all(allowed), "{}", name.text);
            prop_assert_eq!(name.hashed, is_hashed(&name.text));
            prop_assert_eq!(&folded(&name.text), &name.text);
            let base = name.text.split('.').next().unwrap();
            prop_assert!(!["con", "prn", "aux", "nul", "com1", "lpt1"].contains(&base));
            if !name.hashed {
                prop_assert_eq!(decode(&name.text), Some(one.clone()));
            }
            prop_assert_eq!(one == other, name == encode(&other));
        }

        #[test]
        fn a_name_is_of_one_key_at_most(name in "[a-c%+.=0-9A-]{0,12}") {
            if let Some(key) = decode(&name) {
                prop_assert_eq!(encode(&key).text, name);
            }
        }
    }
}
