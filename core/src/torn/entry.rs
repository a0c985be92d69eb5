//! An entry of `P.torn`. It begins with a line of JSON: `time`, `offset` and `length` in
//! the journal, and `nuls`. That is how many NULs followed, which are not stored. Then
//! follow the bytes themselves, then a newline.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::sys::File;

#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    pub time: String,
    pub offset: u64,
    pub length: u64,
    pub nuls: u64,
    /// The reason for an entry that no repair has cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Returns the path of `P.torn`.
pub(crate) fn path_for(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".torn");
    PathBuf::from(name)
}

/// The longest head line.
pub(super) const HEAD: usize = 512;

/// Returns the end of the last whole entry. An entry that a killed process left
/// unfinished is no loss. Its cut was never made, so its bytes are still in the
/// journal. Bytes that this library can't have written are left alone.
pub(super) fn whole_entries(torn: &File, size: u64) -> io::Result<u64> {
    let mut at = 0;
    while at < size {
        let mut head = [0; HEAD];
        let n = torn.read_full_at(&mut head, at)?;
        let Some(stop) = memchr::memchr(b'\n', &head[..n]) else {
            return Ok(if is_begun(&head[..n]) { at } else { size });
        };
        let Ok(entry) = serde_json::from_slice::<Entry>(&head[..stop]) else {
            return Ok(size);
        };
        // The head, its newline, the bytes, their newline.
        let next = (at + stop as u64 + 2).checked_add(entry.length);
        match next {
            None => return Ok(size),
            Some(next) if next > size => return Ok(at),
            Some(next) => at = next,
        }
    }
    Ok(at)
}

/// Returns whether these bytes can be a head that was never finished.
fn is_begun(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for (text, is_value) in [
        (&br#"{"time":""#[..], is_of_a_time as fn(&u8) -> bool),
        (br#"","offset":"#, u8::is_ascii_digit),
        (br#","length":"#, u8::is_ascii_digit),
        (br#","nuls":"#, u8::is_ascii_digit),
    ] {
        let n = rest.len().min(text.len());
        if rest[..n] != text[..n] {
            return false;
        }
        rest = &rest[n..];
        rest = &rest[rest.iter().take_while(|byte| is_value(byte)).count()..];
    }
    const WHY: &[u8] = br#","why":""#;
    rest == b"}" || rest[..rest.len().min(WHY.len())] == WHY[..rest.len().min(WHY.len())]
}

fn is_of_a_time(byte: &u8) -> bool {
    byte.is_ascii_digit() || b"-:.TZ".contains(byte)
}
