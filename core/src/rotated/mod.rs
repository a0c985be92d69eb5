//! Rotated files: `name_1.ext`, `name_2.ext`, … next to `name.ext`. Their numbers
//! only grow.
//!
//! A name proves nothing, since users name files of their own so. The list
//! `P.rotated` holds the files that rotations have made. Only a listed file is
//! ever read as a part of the journal, or removed.
//!
//! ```text
//! list.rs   P.rotated: one line a rotated file
//! ```

mod list;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock;
use crate::lockfile::{Before, Identity};
use crate::sys::{self, Access, File, InTheWay};

pub(crate) use list::{Noted, note};

/// A rotated file that this journal's rotations or rewinds have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rotated {
    pub number: u32,
    /// The file's identity.
    pub identity: Identity,
    /// Its length when it was rotated, in bytes.
    pub length: u64,
    /// Its generation while it was the journal.
    pub generation: u64,
    /// The journal before the rewrite that made this file, if that is known.
    pub before: Option<Before>,
}

impl Rotated {
    pub fn path(&self, journal: &Path) -> PathBuf {
        path(journal, self.number)
    }

    /// Opens the file for reading; `None` if it is missing, or another file has
    /// its name.
    pub fn open(&self, journal: &Path) -> io::Result<Option<File>> {
        let file = match File::open(&self.path(journal), Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // Another kind of file has the name.
            Err(error) if InTheWay::of(&error).is_some() => return Ok(None),
            result => result?,
        };
        Ok((Identity::of(&file)? == self.identity).then_some(file))
    }

    /// Opens the file if it has not changed since its rotation. A file that was
    /// appended to is another program's journal now.
    fn unchanged(&self, journal: &Path) -> io::Result<Option<File>> {
        match self.open(journal)? {
            Some(file) if file.size()? == self.length => Ok(Some(file)),
            _ => Ok(None),
        }
    }

    /// Removes the file if it has not changed since its rotation, and returns whether
    /// it did.
    pub fn remove(&self, journal: &Path) -> io::Result<bool> {
        if self.unchanged(journal)?.is_none() {
            return Ok(false);
        }
        sys::unlink(&self.path(journal)).map(|()| true)
    }

    /// Returns whether the last write to the file is longer ago than this.
    fn is_older(&self, journal: &Path, than: Duration) -> io::Result<bool> {
        let Some(file) = self.unchanged(journal)? else {
            // Another program's file, which is not removed.
            return Ok(true);
        };
        Ok(clock::age(file.modified()?) > than)
    }

    /// Returns whether the file exists, as far as a look at its name shows.
    fn is_there(&self, journal: &Path) -> io::Result<bool> {
        let seen = sys::stat(&self.path(journal))?;
        Ok(seen.is_some_and(|seen| {
            seen.is_file && seen.id.inode == self.identity.id.inode && seen.size == self.length
        }))
    }
}

/// Returns the rotated files that this journal's rotations have made, in the
/// order of their numbers. Missing files are among them: see [`Rotated::open`].
pub(crate) fn all(journal: &Path) -> io::Result<Vec<Rotated>> {
    list::read(journal)
}

/// Returns those that exist and have not changed since their rotation, oldest first.
pub(crate) fn unchanged(journal: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for rotated in all(journal)? {
        if rotated.unchanged(journal)?.is_some() {
            paths.push(rotated.path(journal));
        }
    }
    Ok(paths)
}

/// Removes all but the newest `keep` rotated files, and nothing else. Of these it
/// leaves those that were last written to within `older_than`. Returns how many it
/// removed.
pub(crate) fn prune(journal: &Path, keep: u64, older_than: Duration) -> io::Result<u64> {
    let mut there = Vec::new();
    for rotated in all(journal)? {
        if rotated.is_there(journal)? {
            there.push(rotated);
        }
    }
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    let surplus = there.len().saturating_sub(keep);
    let mut removed = 0;
    for rotated in &there[..surplus] {
        // Never one after a file that stays: the records between them would be missing.
        if !older_than.is_zero() && !rotated.is_older(journal, older_than)? {
            break;
        }
        removed += u64::from(rotated.remove(journal)?);
    }
    Ok(removed)
}

/// Takes the name of a rotated file from the journal itself, which is this file.
/// A rotation that a power cut ended leaves that name, and appended records would
/// show in a rotated file. A name from another program stays.
pub(crate) fn drop_second_name(journal: &Path, this: Identity) -> io::Result<()> {
    for rotated in all(journal)? {
        let path = rotated.path(journal);
        if rotated.identity == this && sys::same_file(&path, journal)? {
            sys::unlink(&path)?;
        }
    }
    Ok(())
}

/// A number above this in a name is a date or the like, and counting does not go
/// on from it.
const PLAUSIBLE: u32 = 99_999;

/// Returns the number for the next rotated file: above all given numbers, and
/// above those of all files that exist, by any maker. `None`: the numbers are
/// used up.
pub(crate) fn next_number(journal: &Path, given: u32) -> io::Result<Option<u32>> {
    let taken = numbers(journal)?;
    let listed = list::read(journal)?.last().map_or(0, |last| last.number);
    let seen = taken.range(..=PLAUSIBLE).next_back().copied().unwrap_or(0);
    let mut number = given.max(listed).max(seen);
    loop {
        let Some(next) = number.checked_add(1) else {
            return Ok(None);
        };
        if !taken.contains(&next) {
            return Ok(Some(next));
        }
        number = next;
    }
}

/// Returns the path of the rotated file with this number.
pub(crate) fn path(journal: &Path, number: u32) -> PathBuf {
    let mut name = journal.file_stem().unwrap_or_default().to_owned();
    name.push(format!("_{number}"));
    if let Some(extension) = journal.extension() {
        name.push(".");
        name.push(extension);
    }
    journal.with_file_name(name)
}

/// Returns the numbers in the directory's names.
fn numbers(journal: &Path) -> io::Result<BTreeSet<u32>> {
    let names = sys::list(dir(journal))?;
    Ok(names
        .iter()
        .filter_map(|name| number(journal, name))
        .collect())
}

fn dir(journal: &Path) -> &Path {
    match journal.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

/// Returns the number in this name, if the name is that of a rotated file of this
/// journal.
fn number(journal: &Path, name: &OsString) -> Option<u32> {
    let stem = journal.file_stem()?.as_encoded_bytes();
    let extension = journal.extension().map(OsStr::as_encoded_bytes);
    let mut rest = name.as_encoded_bytes().strip_prefix(stem)?;
    rest = rest.strip_prefix(b"_")?;
    if let Some(extension) = extension {
        rest = rest.strip_suffix(extension)?.strip_suffix(b".")?;
    }
    // Only the digits that `path` writes: not `_01`, not `_+1`.
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
