//! Rotated files: `name_1.ext`, `name_2.ext`, … beside `name.ext`. Their numbers
//! only grow.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::fs;

/// The rotated file of this number.
pub(crate) fn path(journal: &Path, number: u32) -> PathBuf {
    let mut name = journal.file_stem().unwrap_or_default().to_owned();
    name.push(format!("_{number}"));
    if let Some(extension) = journal.extension() {
        name.push(".");
        name.push(extension);
    }
    journal.with_file_name(name)
}

/// The numbers of the rotated files that are there, in order.
pub(crate) fn numbers(journal: &Path) -> io::Result<Vec<u32>> {
    let dir = match journal.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let mut found: Vec<u32> = fs::list(dir)?
        .iter()
        .filter_map(|name| number(journal, name))
        .collect();
    found.sort_unstable();
    Ok(found)
}

/// The number in this name, if it is a rotated file's of this journal.
fn number(journal: &Path, name: &OsString) -> Option<u32> {
    let stem = journal.file_stem()?.as_encoded_bytes();
    let extension = journal.extension().map(OsStr::as_encoded_bytes);
    let mut rest = name.as_encoded_bytes().strip_prefix(stem)?;
    rest = rest.strip_prefix(b"_")?;
    if let Some(extension) = extension {
        rest = rest.strip_suffix(extension)?.strip_suffix(b".")?;
    }
    // Not `_01`, not `_+1`: only what `path` makes.
    let digits = !rest.is_empty() && rest.iter().all(u8::is_ascii_digit) && rest[0] != b'0';
    let digits = digits.then_some(rest)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{number, path};
    use std::path::Path;

    #[test]
    fn names_and_back() {
        for (journal, third) in [
            ("d/session.jsonl", "d/session_3.jsonl"),
            ("d/a.tar.gz", "d/a.tar_3.gz"),
            ("d/plain", "d/plain_3"),
            ("d/.hidden", "d/.hidden_3"),
            ("d/a_3.jsonl", "d/a_3_3.jsonl"),
        ] {
            let journal = Path::new(journal);
            assert_eq!(path(journal, 3), Path::new(third));
            let name = Path::new(third).file_name().unwrap().to_owned();
            assert_eq!(number(journal, &name), Some(3));
        }
        for other in ["a.b", "a_.b", "a_0.b", "a_01.b", "a_1.c", "a_1", "a_x.b"] {
            assert_eq!(number(Path::new("a.b"), &other.into()), None, "{other}");
        }
        let huge = "a_99999999999.b".into();
        assert_eq!(number(Path::new("a.b"), &huge), None);
    }
}
