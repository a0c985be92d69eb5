//! The plan of a transaction, so that another process can finish it.
//!
//! It is one file in the directory. Its name is `.untorn.prep` while the
//! transaction can still be undone, and `.untorn.txn` from its commit on: the
//! rename is the commit. It holds a line of text, a line of JSON, and the bytes
//! that are appended to journals:
//!
//! ```text
//! untorn transaction 1 CRC LENGTH\n      of all that follows
//! {"id":..,"durability":..,"changes":[..]}\n
//! bytes of the first append, of the second, ..
//! ```

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::change::{Action, Change};
use crate::durability::Durability;
use crate::sys::{self, Access, File, InTheWay};

const MAGIC: &str = "untorn transaction 1 ";
const PREPARING: &str = ".untorn.prep";
const COMMITTED: &str = ".untorn.txn";

/// A transaction's number, drawn at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(pub u128);

impl Id {
    pub fn random() -> Id {
        Id(sys::random_number())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// How far a transaction got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Preparing,
    Committed,
}

impl State {
    /// Returns the manifest's path in this state.
    pub fn path(self, dir: &Path) -> PathBuf {
        dir.join(match self {
            State::Preparing => PREPARING,
            State::Committed => COMMITTED,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub id: Id,
    pub durability: Durability,
    pub changes: Vec<Change>,
    /// The appended bytes, one change after the other.
    pub appended: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    id: String,
    durability: String,
    changes: Vec<Change>,
}

impl Manifest {
    /// Returns the temporary with the new contents of the `n`-th change.
    pub fn temporary(&self, dir: &Path, n: usize) -> PathBuf {
        temporary(dir, self.id, n)
    }

    /// Iterates over each change with the bytes that it appends, if any.
    pub fn each(&self) -> impl Iterator<Item = (usize, &Change, &[u8])> {
        let mut rest = &self.appended[..];
        self.changes.iter().enumerate().map(move |(n, change)| {
            let length = match change.action {
                Action::Append { length, .. } => usize::try_from(length).unwrap_or(usize::MAX),
                _ => 0,
            };
            let (mine, others) = rest.split_at(length.min(rest.len()));
            rest = others;
            (n, change, mine)
        })
    }

    /// Returns whether all of its content may be acted upon.
    fn may_be_believed(&self, file: &File, dir: &Path) -> io::Result<bool> {
        for change in &self.changes {
            if !file.may_be_believed(&dir.join(&change.name))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub fn encode(&self) -> io::Result<Vec<u8>> {
        let mut body = serde_json::to_vec(&Head {
            id: self.id.to_string(),
            durability: self.durability.to_string(),
            changes: self.changes.clone(),
        })?;
        body.push(b'\n');
        body.extend_from_slice(&self.appended);
        let mut all = format!("{MAGIC}{:08x} {}\n", crc32c::crc32c(&body), body.len()).into_bytes();
        all.append(&mut body);
        Ok(all)
    }

    /// Parses a manifest. Returns `None` if it is not whole. Its owner died
    /// before it was finished, or it was never synced and a power cut took it.
    pub fn decode(bytes: &[u8]) -> Option<Manifest> {
        let stop = memchr::memchr(b'\n', bytes)?;
        let first = std::str::from_utf8(&bytes[..stop]).ok()?;
        let (checksum, length) = first.strip_prefix(MAGIC)?.split_once(' ')?;
        let body = &bytes[stop + 1..];
        let whole = body.len() == length.parse::<usize>().ok()?
            && crc32c::crc32c(body) == u32::from_str_radix(checksum, 16).ok()?;
        if !whole {
            return None;
        }
        let stop = memchr::memchr(b'\n', body)?;
        let head: Head = serde_json::from_slice(&body[..stop]).ok()?;
        // In order, and each once: their locks are taken in this order.
        let changes = head.changes.iter().zip(head.changes.iter().skip(1));
        if changes.into_iter().any(|(one, next)| one.name >= next.name) {
            return None;
        }
        Some(Manifest {
            id: Id(u128::from_str_radix(&head.id, 16).ok()?),
            durability: head.durability.parse().ok()?,
            // Nothing outside the directory, by whichever program's manifest.
            changes: head
                .changes
                .iter()
                .all(|change| super::names::is_plain(&change.name))
                .then_some(head.changes)?,
            appended: body[stop + 1..].to_vec(),
        })
    }

    /// Reads the manifest in the directory.
    pub fn find(dir: &Path) -> io::Result<Found> {
        let mut found = Found::Nothing;
        for state in [State::Committed, State::Preparing] {
            let path = state.path(dir);
            if crate::sys::stat(&path)?.is_none() {
                continue;
            }
            let file = match File::open_beside(&path, Access::Read) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                // Any other file type there is not ours.
                Err(error) if InTheWay::of(&error).is_some() => continue,
                result => result?,
            };
            let manifest = read_all(&file)?.and_then(|bytes| Manifest::decode(&bytes));
            let believed = match &manifest {
                Some(manifest) => manifest.may_be_believed(&file, dir)?,
                None => file.may_be_believed(dir)?,
            };
            if !believed {
                found = manifest.map_or(found, |manifest| Found::Foreign(manifest.id));
                continue;
            }
            return Ok(match manifest {
                Some(manifest) => Found::Whole(manifest, state),
                None => Found::Unfinished(state),
            });
        }
        Ok(found)
    }
}

/// The state of a directory's manifest.
pub(crate) enum Found {
    Nothing,
    /// Nothing was done yet.
    Unfinished(State),
    Whole(Manifest, State),
    /// It is another user's, which does not count here.
    Foreign(Id),
}

pub(crate) fn temporary(dir: &Path, id: Id, n: usize) -> PathBuf {
    dir.join(format!("{}{n}", temporaries(id)))
}

/// Returns the start of the names of all its temporaries.
pub(crate) fn temporaries(id: Id) -> String {
    format!(".untorn.{id}.")
}

/// Reads all of it. Returns `None` if the length differs from its first line.
/// So the code asks for no more memory than was written.
fn read_all(file: &File) -> io::Result<Option<Vec<u8>>> {
    let size = file.size()?;
    let mut first = [0; 64];
    let n = file.read_full_at(&mut first, 0)?;
    let length = memchr::memchr(b'\n', &first[..n]).and_then(|stop| {
        let line = std::str::from_utf8(&first[..stop]).ok()?;
        let (_, length) = line.strip_prefix(MAGIC)?.split_once(' ')?;
        length.parse::<u64>().ok()?.checked_add(stop as u64 + 1)
    });
    if length != Some(size) {
        return Ok(None);
    }
    file.read_all().map(Some)
}
