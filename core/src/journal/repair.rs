//! Repairs the torn tail: bytes after the last newline, which a killed process or a
//! power cut leaves.
//!
//! Works only under the exclusive lock. A reader can't distinguish a torn tail from an
//! append in flight.

use std::io;
use std::path::Path;

use serde::de::IgnoredAny;

use super::{Format, JournalOptions};
use crate::error::{Error, Result};
use crate::events::{self, EventKind};
use crate::journal::read::Backward;
use crate::journal::read::{Foreign, HEAD};
use crate::journal::seal;
use crate::sys::File;
use crate::torn::{self, Cut};

/// Reports what was done to a torn tail.
///
/// ```
/// use untorn::Journal;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("j.jsonl");
/// std::fs::write(&path, "[1]\n[2")?; // a crash left half a record
/// let repair = Journal::open(&path)?.repair()?.repaired.expect("it was torn");
/// assert_eq!((repair.offset, repair.cut), (4, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The start of the tail, in bytes from the start of the file.
    pub offset: u64,
    /// How many bytes were cut, and kept in `P.torn` (NULs as their number).
    pub cut: u64,
    /// Whether the tail was a whole record that had only lost its newline.
    pub newline_added: bool,
}

/// Returns whether a file of `size` bytes ends where a record ends.
#[inline]
pub(crate) fn is_whole(file: &File, size: u64, options: &JournalOptions) -> io::Result<bool> {
    if options.sealed {
        return seal::ends_well(file, size);
    }
    ends_in_newline(file, size)
}

/// Returns whether a file of `size` bytes ends where a line ends.
#[inline]
pub(crate) fn ends_in_newline(file: &File, size: u64) -> io::Result<bool> {
    let mut last = [0];
    Ok(size == 0 || file.read_full_at(&mut last, size - 1)? == 1 && last == *b"\n")
}

/// Makes the file end at a record's end.
#[cold]
pub(crate) fn tail(file: &File, path: &Path, options: &JournalOptions) -> Result<Option<Repair>> {
    let os_error = |error| Error::os("repair", path, error);
    loop {
        let size = file.size().map_err(os_error)?;
        let tail = match Tail::look(file, size, options) {
            // A program that ignores the lock has cut the file meanwhile.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
            result => result.map_err(os_error)?,
        };
        let Some(tail) = tail else {
            return Ok(None);
        };
        if !options.cut_foreign_tail {
            let head = file.read_first(HEAD as u64).map_err(os_error)?;
            if let Some(foreign) = Foreign::of(options, &head) {
                return Err(foreign
                    .error("repair", path)
                    .hint("the append would cut its end off; cut_foreign_tail allows that"));
            }
        }
        let whole = tail.is_whole(file, options).map_err(os_error)?;
        let keep = if whole { tail.text_end } else { tail.start };
        if keep < size {
            let cut = Cut {
                offset: keep,
                length: tail.text_end - keep,
                nuls: size - tail.text_end,
            };
            let kept = torn::keep(file, path, cut)?;
            // A program that ignores the lock may have appended since. Then the tail is
            // another, or the file has none.
            if file.size().map_err(os_error)? != size {
                kept.take_back();
                continue;
            }
            if let Err(error) = file.set_len(keep) {
                // Otherwise each try would keep the bytes once more.
                kept.take_back();
                return Err(os_error(error).hint(
                    "a torn record at the end must be cut before an append, and the cut failed; \
                     nothing was changed",
                ));
            }
        }
        if whole {
            append_newline(file).map_err(os_error)?;
        }
        events::emit(EventKind::Repaired, "repair", path, |event| {
            event.offset = Some(tail.start);
            event.bytes = Some(size - keep);
            event.kept = (keep < size).then(|| torn::path_for(path));
        });
        return Ok(Some(Repair {
            offset: tail.start,
            cut: size - keep,
            newline_added: whole,
        }));
    }
}

fn append_newline(file: &File) -> io::Result<()> {
    match file.append(b"\n")? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        _ => Ok(()),
    }
}

/// Returns where the last line ends, in a file of `size` bytes.
pub(crate) fn last_line_end(file: &File, size: u64) -> io::Result<u64> {
    Ok(Tail::find(file, size)?.start)
}

/// Is a tail: `start..text_end` are its bytes, and only NULs follow.
struct Tail {
    start: u64,
    text_end: u64,
}

impl Tail {
    /// Finds the tail. `None`: the file ends at a record's end.
    fn look(file: &File, size: u64, options: &JournalOptions) -> io::Result<Option<Tail>> {
        if !options.sealed {
            return match is_whole(file, size, options)? {
                true => Ok(None),
                false => Tail::find(file, size).map(Some),
            };
        }
        let Some(start) = seal::torn_tail(file, size)? else {
            return Ok(None);
        };
        let last = Tail::find(file, size)?;
        Ok(Some(Tail {
            start,
            text_end: last.text_end.max(start),
        }))
    }

    /// Looks backwards for the last byte that is not a NUL, and for the last newline.
    fn find(file: &File, size: u64) -> io::Result<Tail> {
        let mut backward = Backward::new(file);
        let text_end = backward.text_before(size)?.map_or(0, |at| at + 1);
        let start = backward.newline_before(size)?.map_or(0, |at| at + 1);
        Ok(Tail {
            start,
            text_end: text_end.max(start),
        })
    }

    /// Returns whether the tail is a whole record that lost only its newline. A bare
    /// number may be half a number.
    fn is_whole(&self, file: &File, options: &JournalOptions) -> io::Result<bool> {
        let length = self.text_end - self.start;
        if options.sealed {
            return seal::is_whole_append(file, self.start, self.text_end);
        }
        if options.format != Format::Json || length == 0 || length > options.max_record {
            return Ok(false);
        }
        let Ok(length) = usize::try_from(length) else {
            return Ok(false);
        };
        let mut text = vec![0; length];
        if file.read_full_at(&mut text, self.start)? < length {
            return Ok(false);
        }
        Ok(is_value(&text))
    }
}

pub(crate) fn is_value(text: &[u8]) -> bool {
    // White space as JSON defines it, without the form feed.
    let number = text
        .iter()
        .find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        .is_none_or(|byte| *byte == b'-' || byte.is_ascii_digit());
    !number
        && std::str::from_utf8(text).is_ok()
        && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}
