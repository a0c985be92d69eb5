//! Puts an empty journal in the place of the old one, which is kept.

use std::path::PathBuf;
use std::time::Duration;

use super::draft::Draft;
use super::publish::Old;
use crate::error::{Error, Result};
use crate::events::{self, EventKind};
use crate::journal::append::Writer;
use crate::journal::header;
use crate::journal::shared::Shared;
use crate::lockfile::Same;
use crate::oslock::LockFile;
use crate::rotated;

/// Says what the new journal begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// The old one's header, if it has one.
    WithHeader,
    /// Nothing.
    Empty,
}

/// Puts an empty journal in the place of this one, whose records are kept in a rotated
/// file. Returns `None` if the journal already is what it would become.
pub(crate) fn rotate(
    shared: &Shared,
    writer: &mut Writer,
    lock: LockFile<'_>,
    operation: &'static str,
    begin: Begin,
) -> Result<Option<PathBuf>> {
    let Some((data, end)) = writer.current(shared, operation, lock)? else {
        return Ok(None);
    };
    let header = match begin {
        Begin::WithHeader => header::read_line(&data.file, &shared.options)
            .map_err(|error| Error::os(operation, &shared.path, error))?,
        Begin::Empty => Vec::new(),
    };
    if header.len() as u64 == end {
        return Ok(None);
    }
    let mut draft = Draft::begin(shared, writer, lock, operation)?;
    if let Err(error) = draft.write(shared, &header) {
        draft.discard(lock);
        return Err(error);
    }
    let published = draft.publish(shared, lock, Same::Rotation, Old::KeptFile);
    writer.close();
    let rotated = published?.rotated;
    events::emit(EventKind::Rotated, operation, &shared.path, |event| {
        event.kept.clone_from(&rotated);
    });
    Ok(rotated)
}

/// Removes the rotated files beyond the number to keep. Best effort: the next rotation
/// tries again.
pub(crate) fn prune(shared: &Shared) {
    if let Some(keep) = shared.options.keep {
        let _ = rotated::prune(&shared.path, keep.into(), Duration::ZERO);
    }
}
