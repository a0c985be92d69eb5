//! The file that a reader reads: opened anew for each reading, without a lock.

use std::io;

use super::Position;
use super::shared::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Access, File};
use crate::lock::record::{self, Before, Generation, Identity, Pending};

pub(super) struct Source {
    pub file: File,
    pub identity: Identity,
    pub generation: u64,
    /// What it was before its last rewrite, if that is known.
    pub before: Option<Before>,
    /// The highest number that a rotated file of this journal was given.
    pub rotated: u32,
}

impl Source {
    /// `None` where there is no file, and none is asked for.
    pub fn open(shared: &Shared, operation: &'static str) -> Result<Option<Source>> {
        let told = |error| Error::os(operation, &shared.path, error);
        loop {
            let file = match File::open(&shared.path, Access::Read) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && shared.options.create => {
                    return Ok(None);
                }
                result => result.map_err(told)?,
            };
            let identity = Identity::of(&file).map_err(told)?;
            let recorded = match File::open(shared.lock.record_path(), Access::LockFileRead) {
                Ok(lock) => record::read_generation(&lock)
                    .map_err(|error| Error::os(operation, shared.lock.record_path(), error))?,
                // A lock file that we may not read, or that is not there, says
                // nothing: then the generation is the file's birth.
                Err(_) => None,
            };
            // Rewritten since it was opened: what the lock file says may be of
            // the new file, and would make a wrong generation of the old one.
            let now = fs::stat(&shared.path).map_err(told)?;
            if now.is_none_or(|now| now.id == identity.id) {
                let generation = Generation::of(identity, recorded);
                return Ok(Some(Source {
                    file,
                    identity,
                    generation: generation.number,
                    before: generation.before,
                    rotated: generation.rotated,
                }));
            }
        }
    }

    /// How many of `n` bytes from `offset` on belong to no append of many that
    /// is under way, and that its writer or the next locker may undo.
    pub fn decided(&self, shared: &Shared, offset: u64, n: usize) -> Result<usize> {
        let path = shared.lock.record_path();
        let told = |error| Error::os("read", path, error);
        // One call where nothing is pending.
        let idle = fs::stat(path)
            .map_err(told)?
            .is_none_or(|lock| lock.size <= record::IDLE);
        if idle {
            return Ok(n);
        }
        // One that may not be read says nothing.
        let Ok(lock) = File::open(path, Access::LockFileRead) else {
            return Ok(n);
        };
        Ok(match record::read_pending(&lock).map_err(told)? {
            Some(Pending::Append(pending)) if pending.to == self.identity => {
                let decided = pending.start.saturating_sub(offset);
                usize::try_from(decided).map_or(n, |decided| decided.min(n))
            }
            Some(Pending::Stamp(pending)) if pending.of == self.identity => {
                let decided = pending.start.saturating_sub(offset);
                usize::try_from(decided).map_or(n, |decided| decided.min(n))
            }
            _ => n,
        })
    }

    /// Where this position is in the file.
    pub fn offset_of(
        &self,
        shared: &Shared,
        operation: &'static str,
        position: Position,
    ) -> Result<u64> {
        if position == Position::NOTHING {
            return Ok(0);
        }
        let told = |error| Error::os(operation, &shared.path, error);
        let size = self.file.size().map_err(told)?;
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
                "position {position} is of another file than the one that is there now (generation \
                 {}): it was rewritten or replaced",
                self.generation
            ));
        }
        if position.offset > size {
            return refuse(format!(
                "position {position} lies behind the end: the journal has {size} bytes"
            ));
        }
        let mut before = [b'\n'];
        if position.offset > 0 {
            self.file
                .read_full_at(&mut before, position.offset - 1)
                .map_err(told)?;
        }
        if before != *b"\n" {
            return refuse(format!(
                "position {position} is in the middle of a record: it is not one of this journal's"
            ));
        }
        Ok(position.offset)
    }
}
