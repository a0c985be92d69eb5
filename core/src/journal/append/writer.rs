//! What a handle remembers of its journal between two appends, and the write at
//! its end.

use std::path::Path;
use std::sync::Arc;

use super::write::{append_many, failed};
use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::journal::data::{Data, Epoch, no_file};
use crate::journal::repair::{self, Repair};
use crate::journal::shared::Shared;
use crate::oslock::LockFile;
use crate::position::Position;
use crate::sys::{self, FileId};

/// No end that we know: look at the file's tail.
pub(crate) const UNKNOWN: u64 = u64::MAX;

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
            data.append(end, lines)
                .map_err(|(error, undone)| failed(path, error, undone.is_ok()))
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
    pub fn position(&self, path: &Path) -> Result<Position> {
        let data = self.data.as_ref().ok_or_else(|| no_file(path))?;
        Ok(Position {
            generation: data.generation,
            offset: self.end,
        })
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
