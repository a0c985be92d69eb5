//! Writes one record, or many: all of them or none.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::journal::data::Data;
use crate::lockfile::{self, Generation};
use crate::oslock::LockFile;
use crate::recovery::overwrite;
use crate::recovery::{self, PendingAppend, Pieces};
use crate::sys::File;

/// Makes sure that the lock file can keep a recovery record. Returns the generation
/// that the lock file names.
#[cold]
pub(crate) fn recordable(
    lock: LockFile<'_>,
    operation: &'static str,
) -> Result<Option<Generation>> {
    let os_error = |error| Error::os(operation, lock.path(), error);
    if !lock.is_writable() {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            operation,
            lock.path(),
            "for a change of more than one record this lock file must be writable, so that the \
             change is whole or not at all when a process dies; nothing was changed",
        ));
    }
    let file = lock.file().map_err(os_error)?;
    let recorded = lockfile::read_generation(file).map_err(os_error)?;
    // A generation is the library's own, so only its writer must be believed.
    if recorded.is_none() || !lock.is_believed().map_err(os_error)? {
        lock.check_ours(operation)?;
    }
    Ok(recorded)
}

/// Appends many records. A kill in the middle of the write would leave only the first
/// of them. So the lock file holds, for that time, what the next locker needs to undo
/// the write. `again`: the append before was such a one too, so the next one may be.
#[cold]
pub(crate) fn append_many(
    path: &Path,
    lock: LockFile<'_>,
    data: &Arc<Data>,
    end: u64,
    lines: &[u8],
    again: bool,
) -> Result<()> {
    let os_error = |error| {
        Error::os("append", lock.path(), error)
            .hint("an append of many records is noted here first; nothing was appended")
    };
    let recorded = recordable(lock, "append")?;
    let file = lock.file().map_err(os_error)?;
    if lock.data().is_some() {
        return append_many_in_place(path, lock, file, data, end, lines);
    }
    let pending = PendingAppend {
        to: data.identity,
        start: end,
        pieces: Pieces::of(end, lines),
    };
    let generation = data.generation_now(recorded);
    pending.write(file, generation).map_err(|error| {
        let _ = recovery::clear_pending(file);
        os_error(error)
    })?;
    let result = data.append(end, lines);
    if !matches!(result, Err((_, Err(_)))) {
        // All of it is in the file, or none. If this fails, the next locker sees that
        // by itself, but readers wait for that locker. After a failed roll-back the
        // record must stay: the next locker rolls back.
        let _ = match again {
            // Cheaper, but an append of one record then finds a file that it must cut.
            true => lockfile::clear_stamp(file),
            false => recovery::clear_pending(file),
        };
    }
    if result.is_err() {
        // A power cut must not bring the record back. What is appended next could look
        // like a part of this.
        let _ = file.sync_data();
    }
    result.map_err(|(error, undone)| failed(path, error, undone.is_ok()))
}

/// Appends many records where other programs lock the journal too. They may change it
/// after a writer has died. So its records are kept here, to distinguish them from
/// theirs.
fn append_many_in_place(
    path: &Path,
    lock: LockFile<'_>,
    redo: &File,
    data: &Arc<Data>,
    end: u64,
    lines: &[u8],
) -> Result<()> {
    let pending = overwrite::note_append(lock, &data.file, end, lines).map_err(|error| {
        Error::os("append", lock.path(), error)
            .hint("an append of many records is kept here first; nothing was appended")
    })?;
    let result = data.append(end, lines);
    let _ = if matches!(result, Err((_, Err(_)))) {
        overwrite::note_way_back(redo, pending)
    } else {
        recovery::clear_pending(redo)
    };
    if result.is_err() {
        let _ = redo.sync_data();
    }
    result.map_err(|(error, undone)| failed(path, error, undone.is_ok()))
}

#[cold]
pub(crate) fn failed(path: &Path, error: io::Error, undone: bool) -> Error {
    Error::os("append", path, error).hint(if undone {
        "nothing was appended, and the journal is as it was"
    } else {
        "a part of it could not be taken back; the next append repairs that"
    })
}
