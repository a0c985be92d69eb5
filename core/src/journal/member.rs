//! Serves transactions that append to a journal.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::shared::Shared;
use super::{JournalOptions, one_name, repair};
use crate::error::{Error, Result};
use crate::journal::append::Batch;
use crate::journal::header;
use crate::journal::read::Source;
use crate::journal::read::{Foreign, Records, line};
use crate::journal::record_policy::{RecordPolicy, not_a_record};
use crate::lockfile::{self, Generation, Identity};
use crate::oslock::LockFile;
use crate::sys::{self, Access, File, Lasting};

/// Returns an empty batch for the journal at this path.
pub(crate) fn batch(path: &Path, options: &JournalOptions) -> Batch {
    Batch::new(&Arc::new(rules(path, options)))
}

fn rules(path: &Path, options: &JournalOptions) -> RecordPolicy {
    RecordPolicy {
        path: path.to_owned(),
        format: options.format,
        max_record: options.max_record,
        header_prefix: options.header_prefix.clone(),
        sealed: options.sealed,
    }
}

/// Returns the header that a batch sets.
pub(crate) fn header(batch: &Batch) -> Option<&[u8]> {
    batch.work(None).header
}

/// Returns the bytes of a journal with this header. It replaces the journal's own
/// header, or goes before its first record.
pub(crate) fn with_header(
    path: &Path,
    options: &JournalOptions,
    journal: &[u8],
    wanted: &[u8],
) -> Result<Vec<u8>> {
    rules(path, options).check_header(wanted)?;
    let first = memchr::memchr(b'\n', journal).map_or(0, |stop| stop + 1);
    let mark = line::byte_order_mark(options, &journal[..first]);
    let old = if header::is_header(options, &journal[mark..first]) {
        first
    } else {
        0
    };
    let length = if wanted.len() < old {
        old
    } else {
        header::room(options, wanted)
    };
    let mut bytes = header::pad(wanted, length);
    bytes.extend_from_slice(&journal[old..]);
    Ok(bytes)
}

/// Returns the lines of a batch that was made for the journal at this path.
pub(crate) fn lines<'a>(path: &Path, batch: &'a Batch) -> Result<&'a [u8]> {
    if batch.path() == path {
        return Ok(batch.lines());
    }
    Err(Error::invalid_argument(
        "append",
        path,
        "the batch was made by another journal, and checked for that one",
    ))
}

/// Returns the place of the next record, after a repair if one is needed. `None`: the
/// journal is missing. The caller must hold the journal's lock.
pub(crate) fn end(
    path: &Path,
    options: &JournalOptions,
    lock: LockFile<'_>,
) -> Result<Option<(Identity, u64)>> {
    let os_error = |error| Error::os("append", path, error);
    if let Some(seen) = sys::look(path).map_err(os_error)?
        && seen.may_have_other_names()
    {
        one_name::check(path, "append", &seen)?;
    }
    let opened = match lockfile::open(path, Access::Append) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result.map_err(os_error)?,
    };
    let recorded = lock
        .generation()
        .map_err(|error| Error::os("append", lock.path(), error))?;
    if let Some(generation) = opened.carried_over(recorded) {
        // If it can't be recorded, earlier positions in the journal become invalid.
        lock.record_generation(generation);
    }
    Foreign::refuse(&opened.file, opened.stat.size, options, "append", path)?;
    if repair::tail(&opened.file, path, options)?.is_some_and(|repair| repair.cut > 0) {
        // Before anything is written in its place: see `mend`.
        opened.file.sync_data().map_err(os_error)?;
    }
    let end = opened.file.size().map_err(os_error)?;
    Ok(Some((opened.identity, end)))
}

/// Checks that these lines may be the first of a journal. A line that begins as a
/// header does would be read as one.
pub(crate) fn may_begin(path: &Path, options: &JournalOptions, lines: &[u8]) -> Result<()> {
    match header::is_header(options, lines) {
        true => Err(not_a_record(path)),
        false => Ok(()),
    }
}

/// Returns where the last whole line ends in a file of `size` bytes. The next append
/// may cut what follows.
pub(crate) fn last_line_end(file: &File, size: u64) -> io::Result<u64> {
    if repair::ends_in_newline(file, size)? {
        return Ok(size);
    }
    repair::last_line_end(file, size)
}

/// Returns the records of a journal in a file that was opened earlier, as they were
/// then. They end where its last line ended, and have the generation that its lock file
/// named then.
pub(crate) fn records(
    path: &Path,
    options: &JournalOptions,
    taken: Option<(Arc<Lasting>, u64, Option<Generation>)>,
) -> Result<Records> {
    let os_error = |error| Error::os("read", path, error);
    let shared = Arc::new(Shared::new(path.to_owned(), options.clone())?);
    let Some((file, stop, recorded)) = taken else {
        return Ok(Records::new(&shared, None, 0));
    };
    let identity = Identity::of(&file).map_err(os_error)?;
    let generation = Generation::of(identity, recorded);
    let source = Source::of_snapshot(file, identity, generation);
    Ok(Records::new(&shared, Some(source), 0).until(stop))
}
