//! Goes back to a position: the records up to it go into a new file, and the old one is
//! kept.

use std::path::PathBuf;

use super::{Draft, Old};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::append::Writer;
use crate::journal::read::Bytes;
use crate::journal::shared::Shared;
use crate::journal::{header, seal};
use crate::lockfile::Same;
use crate::oslock::LockFile;
use crate::position::Position;
use crate::sys::File;

pub(crate) fn rewind(
    shared: &Shared,
    writer: &mut Writer,
    lock: LockFile<'_>,
    position: Position,
) -> Result<Option<PathBuf>> {
    let os_error = |error| Error::os("rewind", &shared.path, error);
    let Some((data, end)) = writer.current(shared, "rewind", lock)? else {
        if position == Position::NOTHING {
            return Ok(None);
        }
        return Err(not_of_this(shared, position, Position::NOTHING));
    };
    let actual = Position {
        generation: data.generation,
        offset: end,
    };
    if !is_of(&*data.file, position, actual).map_err(os_error)? {
        return Err(not_of_this(shared, position, actual));
    }
    let header = header::read_line(&data.file, &shared.options).map_err(os_error)?;
    let stop = position.offset.max(header.len() as u64);
    if stop >= end {
        return Ok(None);
    }
    let mut draft = Draft::begin(shared, writer, lock, "rewind")?;
    if let Err(error) = copy_up_to(shared, &mut draft, &data.file, stop) {
        draft.discard(lock);
        return Err(error);
    }
    let published = draft.publish(shared, lock, Same::Prefix(stop), Old::KeptFile);
    writer.close();
    Ok(published?.rotated)
}

/// Copies the first `stop` bytes. If the end cuts through a sealed append, the last
/// record's seal is changed to say so.
fn copy_up_to(shared: &Shared, draft: &mut Draft, file: &File, stop: u64) -> Result<()> {
    let closing = match shared.options.sealed {
        true => {
            seal::closing(file, stop).map_err(|error| Error::os("rewind", &shared.path, error))?
        }
        false => None,
    };
    let closing = closing.as_ref().map_or(&[][..], |closing| closing);
    draft.copy(shared, file, 0, stop - closing.len() as u64)?;
    draft.write(shared, closing)
}

/// Returns whether this is a position of this journal, at a record's end.
pub(super) fn is_of(
    bytes: &impl Bytes,
    position: Position,
    actual: Position,
) -> std::io::Result<bool> {
    if position == Position::NOTHING {
        return Ok(true);
    }
    if position.generation != actual.generation || position.offset > actual.offset {
        return Ok(false);
    }
    let mut before = [b'\n'];
    if position.offset > 0 {
        bytes.read_full_at(&mut before, position.offset - 1)?;
    }
    Ok(before == *b"\n")
}

#[cold]
pub(super) fn not_of_this(shared: &Shared, position: Position, actual: Position) -> Error {
    let why = if position.generation != actual.generation {
        "it belongs to another file: the journal was rewritten or replaced since"
    } else if position.offset > actual.offset {
        "it is after the end"
    } else {
        "it is in the middle of a record"
    };
    Error::new(
        ErrorKind::Conflict,
        "rewind",
        &shared.path,
        format!("position {position} is not one of this journal's, which ends at {actual}: {why}; nothing was changed"),
    )
    .at(actual)
}
