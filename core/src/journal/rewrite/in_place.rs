//! Writes the new file's bytes over the old ones. A journal that carries its own lock
//! must keep its inode.

use super::Old;
use super::draft::{Draft, failed};
use super::kept;
use super::publish::Published;
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::shared::Shared;
use crate::lockfile::Same;
use crate::oslock::LockFile;
use crate::position::Position;
use crate::recovery::overwrite::{self, Change, Content};

impl Draft {
    /// Does the same as `publish`, in place. It syncs with any durability, since other
    /// processes have acknowledged records in the file.
    pub(crate) fn overwrite(
        mut self,
        shared: &Shared,
        lock: LockFile<'_>,
        same: Same,
        old: Old,
    ) -> Result<Published> {
        let result = self.write_over(shared, lock, same, old);
        if matches!(&result, Err(error) if error.kind() == ErrorKind::NotDurable) {
            shared.poison();
        }
        self.temporary.discard();
        result
    }

    fn write_over(
        &mut self,
        shared: &Shared,
        lock: LockFile<'_>,
        same: Same,
        old: Old,
    ) -> Result<Published> {
        let (path, operation) = (&shared.path, self.operation);
        self.flush(shared)?;
        let length = self.length();
        let Some((data, end)) = &self.old else {
            return Err(Error::internal(operation, path, "its lock is on no file"));
        };
        // The check is needed even if the old file is kept. An append of a program that
        // takes no lock would otherwise be in neither file.
        self.is_current(shared, Old::Dropped)?;
        let mut highest = None;
        let kept = match old {
            Old::KeptFile => {
                let old = (&**data, *end);
                let kept = kept::keep(shared, operation, &self.generation, old, |_| Ok(()))?;
                highest = Some(kept.number);
                Some(kept)
            }
            Old::Dropped => None,
        };
        // Equal bytes are not written: a rewind only cuts. (`same` is about records: a
        // header may differ before them.)
        let from = Content::File {
            file: &self.temporary.file,
            start: 0,
            length,
        }
        .common(&data.file, *end)
        .map_err(|error| failed(shared, operation, error))?;
        let part = |file, length: u64| Content::File {
            file,
            start: from,
            length: length - from,
        };
        let change = Change {
            from,
            old: part(&data.file, *end),
            new: part(&self.temporary.file, length),
            same,
            rotated: highest,
        };
        match overwrite::overwrite(operation, path, lock, &change, Durability::Power) {
            Ok(generation) => Ok(Published {
                end: Position {
                    generation: generation.number,
                    offset: length,
                },
                rotated: kept.map(|kept| kept.path),
            }),
            Err(error) => {
                if let Some(kept) = kept
                    && error.kind() != ErrorKind::NotDurable
                {
                    kept.take_back();
                }
                Err(error)
            }
        }
    }
}
