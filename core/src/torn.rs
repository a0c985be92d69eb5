//! Keeps the bytes that a repair cuts, in `P.torn`: nothing is thrown away.
//!
//! Each cut has one entry. It begins with a line of JSON: `time`, `offset` and
//! `length` in the journal, and `nuls`. That is how many NULs followed, which
//! are not stored. Then follow the bytes themselves, then a newline.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::beside;
use crate::clock;
use crate::error::{Error, Result};
use crate::sys::{self, Access, File};

/// A cut: `length` bytes from `offset` on, then `nuls` NULs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub offset: u64,
    pub length: u64,
    pub nuls: u64,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    time: String,
    offset: u64,
    length: u64,
    nuls: u64,
    /// The reason for an entry that no repair has cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Returns the path of `P.torn`.
pub(crate) fn path_for(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".torn");
    PathBuf::from(name)
}

/// An entry that was written for a cut.
pub(crate) struct TornEntry {
    torn: File,
    before: u64,
}

impl TornEntry {
    /// Takes the entry back, since the cut is not made. Best effort: an entry
    /// too many does no harm.
    pub fn take_back(self) {
        let _ = self.torn.set_len(self.before);
    }
}

/// Copies the bytes that are about to be cut from `journal`, and syncs the
/// copy. After an error the cut must not be made.
pub(crate) fn keep(journal: &File, path: &Path, cut: Cut) -> Result<TornEntry> {
    let place = path_for(path);
    copy(journal, path, &place, cut).map_err(|error| {
        Error::os("repair", &place, error).hint(format!(
            "{} ends in {} bytes of a torn record, which are kept there before they are cut; \
             nothing was changed",
            path.display(),
            cut.length + cut.nuls
        ))
    })
}

fn copy(journal: &File, path: &Path, place: &Path, cut: Cut) -> io::Result<TornEntry> {
    let (torn, is_new) = open(path, place)?;
    let size = torn.size()?;
    let before = whole_entries(&torn, size)?;
    if before < size {
        torn.set_len(before)?;
    }
    let written = begin_line(&torn, before)
        .and_then(|()| write_entry(journal, &torn, cut))
        .and_then(|()| torn.sync_all());
    let kept = TornEntry { torn, before };
    if let Err(error) = written {
        // Half an entry is of no use.
        kept.take_back();
        return Err(error);
    }
    if is_new {
        sys::sync_parent(place)?;
    }
    Ok(kept)
}

/// Opens `P.torn`, with `P`'s rights: it holds parts of `P`. Also returns
/// whether it is new.
fn open(path: &Path, place: &Path) -> io::Result<(File, bool)> {
    let mut is_new = false;
    loop {
        match File::open_beside(place, Access::Append) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(file) if file.may_be_believed(path)? => {
                if !beside::follow_rights(&file, place, path, u64::MAX)? {
                    return Ok((file, is_new));
                }
                is_new = true;
            }
            Ok(_) => {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "it belongs to a user that may not read the bytes for it; move it away",
                ));
            }
        }
        match beside::make(place, path, Some(0o600)) {
            Ok(()) => is_new = true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// The longest head line.
const HEAD: usize = 512;

/// Returns the end of the last whole entry. An entry that a killed process left
/// unfinished is no loss. Its cut was never made, so its bytes are still in the
/// journal. Bytes that this library can't have written are left alone.
fn whole_entries(torn: &File, size: u64) -> io::Result<u64> {
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

/// Ends the last line. Another program's content may end without a newline.
fn begin_line(torn: &File, end: u64) -> io::Result<()> {
    let mut last = [b'\n'];
    if end > 0 {
        torn.read_full_at(&mut last, end - 1)?;
    }
    if last == *b"\n" {
        return Ok(());
    }
    append_all(torn, b"\n")
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

fn write_entry(journal: &File, torn: &File, cut: Cut) -> io::Result<()> {
    let mut head = serde_json::to_vec(&Entry {
        time: clock::now(),
        offset: cut.offset,
        length: cut.length,
        nuls: cut.nuls,
        why: None,
    })?;
    head.push(b'\n');
    append_all(torn, &head)?;
    // In pieces: a torn record can be as long as records may be.
    let mut piece = vec![0; 65_536];
    let mut done = 0;
    while done < cut.length {
        let want = usize::try_from(cut.length - done).map_or(piece.len(), |n| n.min(piece.len()));
        let n = journal.read_full_at(&mut piece[..want], cut.offset + done)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        append_all(torn, &piece[..n])?;
        done += n as u64;
    }
    append_all(torn, b"\n")
}

/// Keeps bytes that belong at this place of a journal and can't be put there
/// any more.
pub(crate) fn set_aside(path: &Path, offset: u64, bytes: &[u8], why: &str) -> io::Result<()> {
    let place = path_for(path);
    let (torn, is_new) = open(path, &place)?;
    let size = torn.size()?;
    let before = whole_entries(&torn, size)?;
    if before < size {
        torn.set_len(before)?;
    }
    let mut entry = serde_json::to_vec(&Entry {
        time: clock::now(),
        offset,
        length: bytes.len() as u64,
        nuls: 0,
        why: Some(why.to_owned()),
    })?;
    entry.push(b'\n');
    entry.extend_from_slice(bytes);
    entry.push(b'\n');
    let kept = TornEntry { torn, before };
    let written = begin_line(&kept.torn, before)
        .and_then(|()| append_all(&kept.torn, &entry))
        .and_then(|()| kept.torn.sync_all());
    if written.is_err() {
        kept.take_back();
        return written;
    }
    match is_new {
        true => sys::sync_parent(&place),
        false => Ok(()),
    }
}

fn append_all(file: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.append(bytes)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => bytes = &bytes[n..],
        }
    }
    Ok(())
}
