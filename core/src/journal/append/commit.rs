//! Makes one append under the lock. The file that the path means now is opened and made
//! whole up to its end. Then one write follows, which is undone if it fails.

use std::path::Path;

use super::batch::PendingWrite;
use super::open::Opened;
use super::write::{append_many, failed};
use super::writer::{UNKNOWN, Writer, Written};
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::data::no_file;
use crate::journal::rewrite::rotate::{self, Begin};
use crate::journal::shared::Shared;
use crate::journal::syncs::Epoch;
use crate::oslock::LockFile;
use crate::position::Position;
use crate::sys;

impl Writer {
    /// Appends the work, or leaves the file as it was. `lock_size`: the size of the lock
    /// file, if the names were looked at a moment ago and the lock was taken since.
    #[inline]
    pub fn commit(
        &mut self,
        shared: &Shared,
        lock: LockFile<'_>,
        work: &PendingWrite<'_>,
        lock_size: Option<u64>,
    ) -> Result<Written> {
        let Shared { path, options, .. } = shared;
        let opened = match lock_size.and_then(|size| self.look(lock, size)) {
            Some(opened) => opened,
            None => {
                let stat = sys::look(path).map_err(|error| Error::os("append", path, error))?;
                if stat.is_none() && options.create {
                    // Before a file is made: a failed comparison would leave it empty.
                    if let Some(expected) = work.at.filter(|at| *at != Position::NOTHING) {
                        return Err(conflict(path, expected, Position::NOTHING));
                    }
                    if is_empty(work) {
                        return Ok(Written {
                            epoch: None,
                            generation: 0,
                            end: 0,
                        });
                    }
                }
                self.open(shared, "append", lock, stat)?
            }
        };
        if self.end == UNKNOWN {
            self.whole(shared, "append", opened.size)?;
        }
        if let Some(expected) = work.at {
            let actual = self.position(path)?;
            // If the lock is on the journal itself, locking makes a missing file. So an
            // empty file counts as none.
            let nothing = !opened.existed || self.end == 0 && lock.data().is_some();
            if expected != actual && !(nothing && expected == Position::NOTHING) {
                return Err(conflict(path, expected, actual));
            }
        }
        if is_empty(work) {
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
            (_, false) => error.hint("an empty journal was created for it"),
            _ => error,
        })
    }

    /// Looks at the open file instead of its name, which was looked at in this tick. A
    /// file that has no name any more is not believed, nor one that a rewrite replaced.
    #[inline]
    fn look(&mut self, lock: LockFile<'_>, lock_size: u64) -> Option<Opened> {
        let data = self.data.as_ref()?;
        if !data.is_the_journal(lock, lock_size) {
            return None;
        }
        let seen = data.look().ok()??;
        self.ends_at(seen.size);
        Some(Opened {
            existed: true,
            size: seen.size,
        })
    }

    /// Notes where the file ends now. If that is not where the last append ended, its tail
    /// must be read.
    #[inline]
    pub fn ends_at(&mut self, size: u64) {
        if size != self.end {
            self.cut |= size < self.end && self.end != UNKNOWN;
            self.end = UNKNOWN;
        }
    }

    /// Rotates first, since the journal has reached its size limit. The append then
    /// goes into a new file.
    #[cold]
    fn rotate_first(&mut self, shared: &Shared, lock: LockFile<'_>) -> Result<()> {
        let rotated =
            rotate::rotate(shared, self, lock, "append", Begin::WithHeader).map_err(|error| {
                match error.kind() {
                    // `NOT_DURABLE` would say that the record is in the file.
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
        // The end is unknown until the write has returned.
        let end = std::mem::replace(&mut self.end, UNKNOWN);
        let again = std::mem::replace(&mut self.many, records > 1);
        let result = if records > 1 {
            append_many(path, lock, data, end, lines, again)
        } else {
            data.append(end, lines)
                .map_err(|(error, undone)| failed(path, error, undone.is_ok()))
        };
        if let Err(error) = result {
            // Bytes that were taken back may still be on disk.
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
            // Without a sync, every append would touch a shared count twice for
            // nothing.
            epoch: syncs.then(|| Epoch::of_append(shared, data)),
            generation: data.generation,
            end,
        })
    }
}

/// Makes the append as durable as the handle's options ask.
#[inline]
pub(crate) fn finish(shared: &Shared, written: &Written) -> Result<Position> {
    if let Some(epoch) = &written.epoch {
        epoch
            .sync(shared)
            .map_err(|why| why.after(shared, "append", "the record is in the file"))?;
    }
    Ok(Position {
        generation: written.generation,
        offset: written.end,
    })
}

#[cold]
fn conflict(path: &Path, expected: Position, actual: Position) -> Error {
    let what = if expected.generation == actual.generation {
        "it has changed meanwhile"
    } else {
        "it is another file now"
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

fn is_empty(work: &PendingWrite<'_>) -> bool {
    work.lines.is_empty() && work.header.is_none()
}
