//! Reads the header without a lock.

use std::io;

use super::line::line_by;
use crate::error::{Error, Result};
use crate::journal::options::JournalOptions;
use crate::journal::read::{Decided, Source, byte_order_mark};
use crate::journal::shared::Shared;
use crate::lockfile::Identity;
use crate::recovery::{self, Pending, PendingStamp};
use crate::sys::File;

/// How often a reader looks again at an unfinished stamp. After that it takes the
/// stamp's writer for dead.
const TRIES: u32 = 1_000;

/// Reads the header line for a reader, for which a rewrite in place may be under way.
pub(crate) fn read_line_of(source: &Source, options: &JournalOptions) -> io::Result<Vec<u8>> {
    line_by(|buffer| source.read_full_at(buffer, 0), options)
}

/// Reads until two reads agree, and neither fell into a stamp.
pub(super) fn read(shared: &Shared) -> Result<Option<Vec<u8>>> {
    let os_error = |error| Error::os("header", &shared.path, error);
    let Some(source) = Source::open(shared, "header")? else {
        return Ok(None);
    };
    let identity = source.identity;
    let mut decided = Decided::default();
    let mut tries = 0;
    let line = loop {
        let first = read_line_of(&source, &shared.options).map_err(os_error)?;
        let size = source.size().map_err(os_error)?;
        // A line that is longer than the journal belongs to another file.
        let pending = match source.file() {
            Some(_) => pending(shared, identity),
            None => None,
        };
        let pending = pending.filter(|stamp| stamp.old.len() as u64 <= size);
        // The line begins an append of many records that is under way.
        if decided.limit(shared, &source, "header")? < first.len() as u64 {
            return Ok(None);
        }
        let second = read_line_of(&source, &shared.options).map_err(os_error)?;
        tries += 1;
        match pending {
            None if first == second => break first,
            Some(stamp) if first == second && (stamp.old.is(&first) || stamp.new.is(&first)) => {
                break first;
            }
            // Its writer is dead; the next locker settles the stamp.
            Some(stamp) if tries >= TRIES => break stamp.old.to_short(),
            _ => std::thread::yield_now(),
        }
    };
    if !source.holds().map_err(os_error)? {
        return read(shared);
    }
    let Some(text) = line.strip_suffix(b"\n") else {
        return Ok(None);
    };
    let text = &text[byte_order_mark(&shared.options, text)..];
    Ok(Some(text.trim_ascii_end().to_vec()))
}

/// Returns the stamp that is under way. A lock file that we may not read counts as
/// none.
fn pending(shared: &Shared, identity: Identity) -> Option<PendingStamp> {
    let lock = File::open_believed(shared.lock.record_path(), &shared.path).ok()??;
    match recovery::look_at_pending(&lock) {
        Ok(Some(Pending::Stamp(stamp))) if stamp.of == identity => Some(stamp),
        _ => None,
    }
}
