//! Lists what `P.torn` holds, and forgets what is old.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::entry::{Entry, HEAD, path_for};
use crate::clock;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Access, File};
use crate::temporary::{self, Rights, Temporary};

/// Describes bytes that a repair or a salvage cut off a journal.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("j.jsonl");
/// std::fs::write(&path, "{\"n\":1}\n{\"n\":2")?;
/// let journal = untorn::Journal::open(&path)?;
/// journal.repair()?;
/// let entry = &journal.torn()?[0];
/// assert_eq!((entry.number, entry.offset, entry.length), (1, 8, 6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornEntry {
    /// Its place in the list, from 1. It changes only if earlier entries are pruned.
    pub number: u64,
    /// When it was cut, RFC 3339 in UTC.
    pub time: String,
    /// Where the bytes were in the journal as it was.
    pub offset: u64,
    /// How many bytes are kept.
    pub length: u64,
    /// How many NULs followed, which are not kept.
    pub nuls: u64,
    /// The kind of damage, or another reason; `None` for a torn tail.
    pub why: Option<String>,
}

/// A stretch of `P.torn`: an entry, or bytes that are none.
struct Span {
    start: u64,
    stop: u64,
    /// The start of its bytes.
    body: u64,
    entry: Option<TornEntry>,
}

/// Returns the entries for this journal, oldest first.
pub(crate) fn list(journal: &Path) -> Result<Vec<TornEntry>> {
    let place = path_for(journal);
    let found = open(&place).and_then(|file| file.map_or(Ok(Vec::new()), |file| spans(&file)));
    let found = found.map_err(|error| Error::os("torn", &place, error))?;
    Ok(found.into_iter().filter_map(|span| span.entry).collect())
}

/// Returns the bytes of an entry.
pub(crate) fn read(journal: &Path, number: u64) -> Result<Vec<u8>> {
    let place = path_for(journal);
    let os_error = |error| Error::os("torn", &place, error);
    let missing = || {
        Error::new(
            ErrorKind::NotFound,
            "torn",
            &place,
            format!("there is no entry {number}; list them first"),
        )
    };
    let file = open(&place).map_err(os_error)?.ok_or_else(missing)?;
    let spans = spans(&file).map_err(os_error)?;
    let of_number = |span: &&Span| {
        span.entry
            .as_ref()
            .is_some_and(|entry| entry.number == number)
    };
    let span = spans.iter().find(of_number).ok_or_else(missing)?;
    let length = span.entry.as_ref().map_or(0, |entry| entry.length);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    if file.read_full_at(&mut bytes, span.body).map_err(os_error)? < bytes.len() {
        return Err(os_error(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(bytes)
}

/// Removes entries older than this, and returns how many. Works under the journal's
/// lock. Bytes that are no entry stay.
pub(crate) fn prune(journal: &Path, older_than: Duration) -> Result<u64> {
    let place = path_for(journal);
    prune_at(&place, &clock::before_now(older_than))
        .map_err(|error| Error::os("prune_torn", &place, error).hint("nothing was removed"))
}

fn prune_at(place: &Path, before: &str) -> io::Result<u64> {
    let Some(file) = open(place)? else {
        return Ok(0);
    };
    let all = spans(&file)?;
    let is_old = |span: &&Span| {
        span.entry
            .as_ref()
            .is_some_and(|entry| *entry.time < *before)
    };
    let old = all.iter().filter(is_old).count();
    if old == 0 {
        return Ok(0);
    }
    if old == all.len() {
        sys::unlink(place)?;
        sys::sync_parent(place)?;
        return Ok(old as u64);
    }
    // One that was killed may have left its new file.
    temporary::sweep_again(place);
    let like = sys::metadata(place)?;
    let rights = || Rights::of(like.as_ref(), None);
    let new = Temporary::create(place, rights())?;
    let written = (|| {
        let mut at = 0;
        for span in all.iter().filter(|span| !is_old(span)) {
            at = copy(&file, (span.start, span.stop), &new.file, at)?;
        }
        rights().complete(&new.file)?;
        new.file.sync_all()?;
        sys::rename(&new.path, place)
    })();
    if let Err(error) = written {
        new.discard();
        return Err(error);
    }
    sys::sync_parent(place)?;
    Ok(old as u64)
}

fn copy(from: &File, (start, stop): (u64, u64), to: &File, mut at: u64) -> io::Result<u64> {
    let mut piece = vec![0; 64 * 1024];
    let mut next = start;
    while next < stop {
        let want = usize::try_from(stop - next).map_or(piece.len(), |n| n.min(piece.len()));
        let n = from.read_full_at(&mut piece[..want], next)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        to.write_all_at(&piece[..n], at)?;
        (at, next) = (at + n as u64, next + n as u64);
    }
    Ok(at)
}

fn open(place: &Path) -> io::Result<Option<File>> {
    match File::open_beside(place, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        file => file.map(Some),
    }
}

/// Takes the file apart. A power cut, or a user, may have left bytes that are no entry:
/// the next line that begins one is searched for.
fn spans(file: &File) -> io::Result<Vec<Span>> {
    let size = file.size()?;
    let mut found = Vec::new();
    let (mut at, mut number) = (0, 0);
    while at < size {
        let mut head = [0; HEAD];
        let n = file.read_full_at(&mut head, at)?;
        let line_end = memchr::memchr(b'\n', &head[..n]);
        let entry = line_end
            .and_then(|stop| serde_json::from_slice::<Entry>(&head[..stop]).ok())
            .map(|entry| (at + line_end.unwrap_or(0) as u64 + 1, entry));
        let whole = entry.and_then(|(body, entry)| {
            let stop = body.checked_add(entry.length)?.checked_add(1)?;
            (stop <= size).then_some((body, stop, entry))
        });
        match whole {
            Some((body, stop, entry)) => {
                number += 1;
                found.push(Span {
                    start: at,
                    stop,
                    body,
                    entry: Some(TornEntry {
                        number,
                        time: entry.time,
                        offset: entry.offset,
                        length: entry.length,
                        nuls: entry.nuls,
                        why: entry.why,
                    }),
                });
                at = stop;
            }
            None => {
                let stop = at + line_end.map_or(n, |end| end + 1) as u64;
                found.push(Span {
                    start: at,
                    stop,
                    body: at,
                    entry: None,
                });
                at = stop;
            }
        }
    }
    Ok(found)
}
