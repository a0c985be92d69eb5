//! One append under the lock: the file that the path means now, whole up to
//! its end, then one write, and back again if that fails.

use std::path::Path;
use std::sync::Arc;

use super::sync::Epoch;
use super::write::{append, append_many, failed};
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::open::{Data, no_file};
use crate::journal::repair::{self, Repair};
use crate::journal::rewrite::rotate;
use crate::journal::shared::Shared;
use crate::oslock::LockFile;
use crate::position::Position;
use crate::sys::{self, FileId};

/// No end that we know: look at the file's tail.
pub(crate) const UNKNOWN: u64 = u64::MAX;

/// What is appended in one piece.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a> {
    /// Lines, each ended by a newline.
    pub lines: &'a [u8],
    pub records: usize,
    /// Without padding: to be put into the file in the same step.
    pub header: Option<&'a [u8]>,
    /// Only if the journal ends here.
    pub at: Option<Position>,
}

impl Work<'_> {
    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.header.is_none()
    }
}

/// What a handle remembers of its journal between two appends.
pub(crate) struct Writer {
    pub data: Option<Arc<Data>>,
    /// Where the file ended, at a record's end, after our last append.
    pub end: u64,
    /// Whether others have cut the file since, and that is not on the medium yet.
    pub cut: bool,
    pub buffer: Vec<u8>,
    /// The header line that our last sync put on the medium.
    pub durable_header: Option<Vec<u8>>,
    /// The lock file whose name is known to be on the medium.
    pub lock_named: Option<FileId>,
    /// Whether the last append in this file was looked at, seal by seal.
    pub checked: bool,
    /// Whether the file was seen to be open just now: see [`Writer::is_open`].
    pub seen_open: bool,
}

/// An append that is in the file.
pub(crate) struct Written {
    /// What a sync has to cover; not taken where none follows.
    pub epoch: Option<Epoch>,
    pub generation: u64,
    pub end: u64,
}

impl Writer {
    pub fn new() -> Writer {
        Writer {
            data: None,
            end: UNKNOWN,
            cut: false,
            buffer: Vec::new(),
            durable_header: None,
            lock_named: None,
            checked: false,
            seen_open: false,
        }
    }

    /// Whether it has the file open, and no program has closed it behind our back.
    #[inline]
    pub fn is_open(&mut self) -> bool {
        let data = self.data.as_ref();
        self.seen_open = data.is_some_and(|data| matches!(data.is_itself(), Ok(true)));
        self.seen_open
    }

    /// Appends the work, or leaves the file as it was.
    #[inline]
    pub fn commit(
        &mut self,
        shared: &Shared,
        lock: LockFile<'_>,
        work: &Work<'_>,
    ) -> Result<Written> {
        let Shared { path, options, .. } = shared;
        let stat = sys::look(path).map_err(|error| Error::os("append", path, error))?;
        if stat.is_none() && options.create {
            // Before a file is made that nothing is then appended to.
            if let Some(expected) = work.at.filter(|at| *at != Position::NOTHING) {
                return Err(conflict(path, expected, Position::NOTHING));
            }
            if work.is_empty() {
                return Ok(Written {
                    epoch: None,
                    generation: 0,
                    end: 0,
                });
            }
        }
        let opened = self.open(shared, "append", lock, stat)?;
        self.whole(shared, "append", opened.size)?;
        if let Some(expected) = work.at {
            let actual = self.position(path)?;
            // Who locks a file that is not there makes it, where the lock is on
            // it: an empty one is as good as none.
            let nothing = !opened.existed || self.end == 0 && lock.data().is_some();
            if expected != actual && !(nothing && expected == Position::NOTHING) {
                return Err(conflict(path, expected, actual));
            }
        }
        if work.is_empty() {
            let nothing = self.written(shared, self.end)?;
            return Ok(Written {
                epoch: None,
                ..nothing
            });
        }
        let rotates = options.max_bytes.is_some_and(|most| self.end > most);
        if rotates {
            self.rotate_first(shared, lock)?;
        }
        let put = match work.header {
            None => self.put(shared, lock, work.lines, work.records),
            Some(header) => self.put_with_header(shared, lock, header, work),
        };
        put.map_err(|error| match (rotates, opened.existed) {
            (true, _) => error.hint("the journal was rotated before that"),
            (_, false) => error.hint("the journal was made for it"),
            _ => error,
        })
    }

    /// Appends these lines to the file, which is open and whole.
    #[inline]
    pub fn put(
        &mut self,
        shared: &Shared,
        lock: LockFile<'_>,
        lines: &[u8],
        records: usize,
    ) -> Result<Written> {
        let path = &shared.path;
        let Some(data) = &self.data else {
            return Err(no_file(path));
        };
        // Until it is known how it ends.
        let end = std::mem::replace(&mut self.end, UNKNOWN);
        let result = if records > 1 {
            append_many(path, lock, data, end, lines)
        } else {
            append(data, end, lines).map_err(|(error, undone)| failed(path, error, undone.is_ok()))
        };
        if let Err(error) = result {
            // What was taken back may be on the medium still.
            self.cut = true;
            return Err(error);
        }
        let end = end + lines.len() as u64;
        self.end = end;
        self.written(shared, end)
    }

    #[inline]
    pub fn written(&self, shared: &Shared, end: u64) -> Result<Written> {
        let data = self.data.as_ref().ok_or_else(|| no_file(&shared.path))?;
        let syncs = shared.options.durability == Durability::Power;
        Ok(Written {
            // A shared count that every append would touch twice for nothing.
            epoch: syncs.then(|| Epoch::now(data)),
            generation: data.generation,
            end,
        })
    }

    /// Where the file ends, which is open and whole.
    fn position(&self, path: &Path) -> Result<Position> {
        let data = self.data.as_ref().ok_or_else(|| no_file(path))?;
        Ok(Position {
            generation: data.generation,
            offset: self.end,
        })
    }

    /// The journal is larger than it is to be: what comes now goes into a new
    /// file.
    #[cold]
    fn rotate_first(&mut self, shared: &Shared, lock: LockFile<'_>) -> Result<()> {
        let rotated = rotate::rotate(shared, self, lock, "append").map_err(|error| {
            match error.kind() {
                // It would say that the record is in the file.
                ErrorKind::NotDurable => error
                    .with_kind(ErrorKind::Io)
                    .hint("the journal was rotated before an append, and nothing was appended"),
                _ => error,
            }
        })?;
        if rotated.is_some() {
            rotate::prune(shared);
        }
        self.current(shared, "append", lock).map(drop)
    }

    /// Repairs the tail, if there is anything to repair.
    pub fn repair(&mut self, shared: &Shared, lock: LockFile<'_>) -> Result<Option<Repair>> {
        let path = &shared.path;
        let stat = sys::look(path).map_err(|error| Error::os("repair", path, error))?;
        if stat.is_none() {
            return Ok(None);
        }
        self.open(shared, "repair", lock, stat)?;
        let data = self.data.as_ref().ok_or_else(|| no_file(path))?;
        self.end = UNKNOWN;
        mend(shared, data)
    }
}

/// Repairs the tail.
pub(crate) fn mend(shared: &Shared, data: &Arc<Data>) -> Result<Option<Repair>> {
    let repaired = repair::tail(&data.file, &shared.path, &shared.options)?;
    if repaired.is_some_and(|repair| repair.cut > 0) {
        sync_cut(shared, data)?;
    }
    Ok(repaired)
}

/// A cut is on the medium before anything is written in its place: or a power cut
/// could leave a line that is half the one, half the other.
pub(crate) fn sync_cut(shared: &Shared, data: &Arc<Data>) -> Result<()> {
    Epoch::now(data)
        .sync(shared)
        .map_err(|why| why.before(shared, "repair", "the journal was cut, and no more done"))
}

#[cold]
fn conflict(path: &Path, expected: Position, actual: Position) -> Error {
    let what = if expected.generation == actual.generation {
        "others have changed it meanwhile"
    } else {
        "it is another file than it was"
    };
    Error::new(
        ErrorKind::Conflict,
        "append",
        path,
        format!(
            "the journal ends at {actual}, not at {expected}: {what}; nothing was appended, so \
             read what is new and try again"
        ),
    )
    .at(actual)
}
