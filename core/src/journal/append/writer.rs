//! Keeps what a handle remembers of its journal between two appends.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::journal::data::{Data, no_file};
use crate::journal::repair::{self, Repair};
use crate::journal::shared::Shared;
use crate::journal::syncs::{Epoch, sync_notes};
use crate::oslock::LockFile;
use crate::position::Position;
use crate::sys::{self, FileId};

/// Says that the end is unknown, and that the file's tail must be read.
pub(crate) const UNKNOWN: u64 = u64::MAX;

/// Remembers a handle's journal between two appends.
pub(crate) struct Writer {
    pub data: Option<Arc<Data>>,
    /// The end of the file after our last append, which is a record's end.
    pub end: u64,
    /// Whether others have cut the file since, and the cut is not yet durable on disk.
    pub cut: bool,
    pub buffer: Vec<u8>,
    /// Whether the last append was one of many records. The next one is likely to be too.
    pub many: bool,
    /// The header line that our last sync made durable.
    pub durable_header: Option<Vec<u8>>,
    /// The lock file whose name is known to be durable on disk.
    pub lock_named: Option<FileId>,
    /// Whether the last append in this file was checked, seal by seal.
    pub checked: bool,
    /// Whether the file was just now seen to be open: see [`Writer::is_open`].
    pub seen_open: bool,
}

/// Describes an append that is in the file.
pub(crate) struct Written {
    /// The bytes that a sync must cover. `None` if no sync follows.
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
            many: false,
            durable_header: None,
            lock_named: None,
            checked: false,
            seen_open: false,
        }
    }

    /// Returns where the file ends, which is open and whole.
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

/// Repairs the tail, and makes a cut durable.
pub(crate) fn mend(shared: &Shared, data: &Arc<Data>) -> Result<Option<Repair>> {
    let repaired = repair::tail(&data.file, &shared.path, &shared.options)?;
    if repaired.is_some_and(|repair| repair.cut > 0) {
        sync_cut(shared, data)?;
    }
    Ok(repaired)
}

/// Makes a cut durable before anything is written in its place. Otherwise a power cut
/// could leave a line that mixes the old bytes and the new. The note of what was cut off
/// goes too: with the new bytes in its place, it could mean them.
pub(crate) fn sync_cut(shared: &Shared, data: &Arc<Data>) -> Result<()> {
    Epoch::now(data)
        .sync(shared)
        .and_then(|()| sync_notes(shared))
        .map_err(|why| why.before(shared, "repair", "nothing was done after the cut"))
}
