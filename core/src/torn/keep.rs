//! Keeps bytes before they are cut.

use std::io;
use std::path::{Path, PathBuf};

use super::entry::{Entry, path_for, whole_entries};
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

/// Entries that were written for a cut.
pub(crate) struct Kept {
    torn: File,
    before: u64,
}

impl Kept {
    /// Takes the entries back, since the cut is not made. Best effort: an entry
    /// too many does no harm.
    pub fn take_back(self) {
        let _ = self.torn.set_len(self.before);
    }
}

/// Copies the bytes that are about to be cut from `journal`, and syncs the
/// copy. After an error the cut must not be made.
pub(crate) fn keep(journal: &File, path: &Path, cut: Cut) -> Result<Kept> {
    let mut aside = Aside::begin(path)?;
    aside.what = format!(
        "{} ends in {} bytes of a torn record, which are kept there before they are cut; \
         nothing was changed",
        path.display(),
        cut.length + cut.nuls
    );
    match aside.write(journal, cut, None) {
        Ok(()) => aside.finish(),
        Err(error) => Err(aside.failed(error)),
    }
}

/// Bytes of a journal that are being set aside, synced together at the end.
pub(crate) struct Aside {
    place: PathBuf,
    kept: Kept,
    is_new: bool,
    /// The words of an error.
    what: String,
}

impl Aside {
    /// Makes `P.torn` ready for entries.
    pub fn begin(path: &Path) -> Result<Aside> {
        let place = path_for(path);
        let what = format!(
            "bytes of {} that can't be read are kept there before they are cut; nothing was changed",
            path.display()
        );
        match begin(path, &place) {
            Ok((kept, is_new)) => Ok(Aside {
                place,
                kept,
                is_new,
                what,
            }),
            Err(error) => Err(Error::os("repair", &place, error).hint(what)),
        }
    }

    /// Adds an entry for bytes of `journal`.
    pub fn add(&mut self, journal: &File, cut: Cut, why: &str) -> Result<()> {
        self.write(journal, cut, Some(why))
            .map_err(|error| self.error(error))
    }

    /// Adds an entry for these bytes, which were at this place.
    pub fn add_bytes(&mut self, offset: u64, bytes: &[u8], why: &str) -> Result<()> {
        write_bytes(&self.kept.torn, offset, bytes, why).map_err(|error| self.error(error))
    }

    /// Syncs the entries.
    pub fn finish(self) -> Result<Kept> {
        match self.kept.torn.sync_all() {
            Ok(()) => {}
            // Half an entry is of no use.
            Err(error) => return Err(self.failed(error)),
        }
        if self.is_new
            && let Err(error) = sys::sync_parent(&self.place)
        {
            return Err(self.error(error));
        }
        Ok(self.kept)
    }

    pub fn take_back(self) {
        self.kept.take_back();
    }

    fn write(&self, journal: &File, cut: Cut, why: Option<&str>) -> io::Result<()> {
        write_entry(journal, &self.kept.torn, cut, why)
    }

    fn failed(self, error: io::Error) -> Error {
        let error = self.error(error);
        self.take_back();
        error
    }

    fn error(&self, error: io::Error) -> Error {
        Error::os("repair", &self.place, error).hint(self.what.clone())
    }
}

fn begin(path: &Path, place: &Path) -> io::Result<(Kept, bool)> {
    let (torn, is_new) = open(path, place)?;
    let size = torn.size()?;
    let before = whole_entries(&torn, size)?;
    if before < size {
        torn.set_len(before)?;
    }
    let kept = Kept { torn, before };
    match begin_line(&kept.torn, before) {
        Ok(()) => Ok((kept, is_new)),
        Err(error) => {
            kept.take_back();
            Err(error)
        }
    }
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

fn write_entry(journal: &File, torn: &File, cut: Cut, why: Option<&str>) -> io::Result<()> {
    let mut head = serde_json::to_vec(&Entry {
        time: clock::now(),
        offset: cut.offset,
        length: cut.length,
        nuls: cut.nuls,
        why: why.map(str::to_owned),
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
    let (kept, is_new) = begin(path, &place)?;
    let written = write_bytes(&kept.torn, offset, bytes, why).and_then(|()| kept.torn.sync_all());
    if written.is_err() {
        kept.take_back();
        return written;
    }
    match is_new {
        true => sys::sync_parent(&place),
        false => Ok(()),
    }
}

fn write_bytes(torn: &File, offset: u64, bytes: &[u8], why: &str) -> io::Result<()> {
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
    append_all(torn, &entry)
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
