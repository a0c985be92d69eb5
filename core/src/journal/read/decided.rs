//! Finds how far a journal is decided. No roll-back, and no locker after a dead writer,
//! removes decided records.
//!
//! The lock file says where an append of many records began that is under way or was
//! interrupted. A reader stops there, unless that whole append is in the file: then no
//! locker undoes it. So the reader sees what the next locker will leave. In a sealed
//! journal the seals say the same of a last append that a power cut shortened.

use std::io;

use super::in_place::state;
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::seal;
use crate::journal::shared::Shared;
use crate::lockfile::{self, Identity};
use crate::position::Position;
use crate::recovery::overwrite::State;
use crate::recovery::transaction;
use crate::recovery::{self, Pending, PendingAppend, PendingOverwrite};
use crate::sys::{self, File};

/// Says that no append of many is under way.
pub(crate) const ALL: u64 = u64::MAX;

/// Looks at the lock file for a reader, and remembers earlier looks.
#[derive(Default)]
pub(crate) struct Decided {
    /// An append that was found whole, so that its checksum is computed once.
    whole: Option<PendingAppend>,
}

/// Is the result of one look.
enum Look {
    Decided(u64),
    /// Decided up to the end, unless the lock file has changed meanwhile.
    Whole(Pending),
}

impl Decided {
    /// Returns up to where this journal is decided, or [`ALL`] if nothing is under way.
    /// Must be called between two readings of the same bytes. An append in flight at
    /// the first reading is then decided, or known to be in flight.
    ///
    /// If the lock file can't be read, all counts as decided.
    pub fn limit(
        &mut self,
        shared: &Shared,
        source: &Source,
        operation: &'static str,
    ) -> Result<u64> {
        let path = shared.lock.record_path();
        let os_error = |error| Error::os(operation, path, error);
        let mut before = None;
        let pending = loop {
            match self.look(shared, source).map_err(os_error)? {
                Look::Decided(limit) => break limit,
                Look::Whole(pending) if before.as_ref() == Some(&pending) => break ALL,
                // The bytes after it may belong to another append that has begun since.
                Look::Whole(pending) => before = Some(pending),
            }
        };
        if pending != ALL || !shared.options.sealed {
            return Ok(pending);
        }
        let torn = unfinished(source).map_err(|error| Error::os(operation, &shared.path, error))?;
        Ok(torn.unwrap_or(ALL))
    }

    fn look(&mut self, shared: &Shared, source: &Source) -> io::Result<Look> {
        // An engine shows whole appends only.
        let Some(file) = source.file() else {
            return Ok(Look::Decided(ALL));
        };
        let path = shared.lock.record_path();
        // One system call if nothing is pending.
        let pending = match sys::stat(path) {
            Ok(Some(lock)) if lock.is_file && lock.size > lockfile::IDLE => {
                File::open_believed(path, &shared.path)?
            }
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
            _ => None,
        };
        let Some(lock) = pending else {
            return Ok(Look::Decided(ALL));
        };
        let Some(pending) = recovery::look_at_pending(&lock)? else {
            return Ok(Look::Decided(ALL));
        };
        let (start, kept) = match &pending {
            Pending::Append(append) if source.is(append.to)? => {
                (append.start, self.is_kept(source, file, append.clone())?)
            }
            Pending::Stamp(stamp) if !stamp.pieces.is_empty() && source.is(stamp.of)? => {
                let append = PendingAppend {
                    to: stamp.of,
                    start: stamp.start,
                    pieces: stamp.pieces.clone(),
                };
                (append.start, self.is_kept(source, file, append)?)
            }
            Pending::Overwrite(change) if change.mark.is_none() && source.is_in_place() => {
                (change.from, is_kept(source, file, &lock, change)?)
            }
            Pending::Member(_) => match transaction::append_from(path, Identity::of(file)?)? {
                Some(start) => (start, false),
                None => return Ok(Look::Decided(ALL)),
            },
            _ => return Ok(Look::Decided(ALL)),
        };
        Ok(match kept {
            true => Look::Whole(pending),
            false => Look::Decided(start),
        })
    }

    /// Returns whether the next locker keeps this append: all of it is in the file.
    fn is_kept(&mut self, source: &Source, file: &File, append: PendingAppend) -> io::Result<bool> {
        if self.whole.as_ref() == Some(&append) {
            return Ok(true);
        }
        let size = source.size()?;
        if recovery::is_within_a_line(file, append.start)? {
            // An old note: nothing of that append is here.
            return Ok(true);
        }
        let seen = append.pieces.look(file, append.start, size)?;
        if !seen.whole {
            // Nothing of it is here, and the next locker cuts no whole line of others.
            return Ok(seen.bytes == 0 && append.is_replaced(file, size)?);
        }
        self.whole = Some(append);
        Ok(true)
    }
}

/// Returns where the last append of a sealed journal begins, if its end is missing.
fn unfinished(source: &Source) -> io::Result<Option<u64>> {
    loop {
        let size = source.size()?;
        match seal::unfinished(source, size) {
            // The file was cut meanwhile.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            result => return result,
        }
    }
}

/// Returns whether the next locker keeps the append of many that is noted here. It does
/// if all of it is in the file, or if others have changed the journal since.
fn is_kept(
    source: &Source,
    file: &File,
    redo: &File,
    pending: &PendingOverwrite,
) -> io::Result<bool> {
    if !pending.is_whole(redo)? {
        // The note itself is not complete, so bytes after `from` are another program's.
        return Ok(source.size()? > pending.from);
    }
    Ok(match state(file, redo, pending)? {
        Some(State::New) => !pending.back,
        Some(State::Foreign) => true,
        Some(State::Old | State::Between) | None => false,
    })
}

impl Source {
    /// Returns where this position is in the file.
    pub fn offset_of(
        &self,
        shared: &Shared,
        decided: &mut Decided,
        operation: &'static str,
        position: Position,
    ) -> Result<u64> {
        if position == Position::NOTHING {
            return Ok(0);
        }
        let os_error = |error| Error::os(operation, &shared.path, error);
        let size = self.size().map_err(os_error)?;
        let size = size.min(decided.limit(shared, self, operation)?);
        let refuse = |detail: String| {
            Err(Error::new(
                ErrorKind::Conflict,
                operation,
                &shared.path,
                detail,
            ))
        };
        if position.generation != self.generation {
            return refuse(format!(
                "position {position} belongs to another file than the present one (generation {}): \
                 the journal was rewritten or replaced",
                self.generation
            ));
        }
        if position.offset > size {
            return refuse(format!(
                "position {position} is after the end: the journal ends at {size}"
            ));
        }
        let mut before = [b'\n'];
        if position.offset > 0 {
            self.read_full_at(&mut before, position.offset - 1)
                .map_err(os_error)?;
        }
        if before != *b"\n" {
            return refuse(format!(
                "position {position} is in the middle of a record: it is not one of this journal's"
            ));
        }
        Ok(position.offset)
    }
}
