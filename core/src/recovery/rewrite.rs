//! Kind 5: a rewrite. It leaves the old file with its generation, or the new
//! one with its own.
//!
//! ```text
//! offset  bytes
//!     76      4  zero
//!     80     24  identity of the new file, zeros: it is not complete yet
//!    104      8  its generation
//!    112      8  how many bytes are the same, as at 48
//!    120      4  number of the rotated file, 0: none
//! ```

use std::io;
use std::path::Path;

use super::block;
use crate::error::{Error, Result};
use crate::lockfile::{self, BLOCK, Before, Generation, Identity, Same, u32_at, u64_at};
use crate::oslock::LockFile;
use crate::sys::{self, Access, File, InTheWay};
use crate::{rotated, temporary};

pub(crate) const KIND: u32 = 5;

/// A rewrite, from the creation of its temporary until the new file's
/// generation is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PendingRewrite {
    /// The new file; `None` while it is being written.
    pub by: Option<Identity>,
    pub number: u64,
    pub same: Same,
    pub rotated: u32,
}

impl PendingRewrite {
    /// Returns the new file's generation, the successor of the recorded one.
    pub fn generation(&self, by: Identity, recorded: Option<Generation>) -> Generation {
        Generation {
            number: self.number,
            of: by,
            before: recorded.map(|recorded| Before {
                generation: recorded.number,
                same: self.same,
            }),
            rotated: self.rotated.max(recorded.map_or(0, |r| r.rotated)),
        }
    }

    /// Records that it begins, or that its file is complete.
    pub fn write(&self, lock: &File, generation: Generation) -> io::Result<()> {
        let mut block = block::new(KIND);
        if let Some(by) = self.by {
            by.put(&mut block[16..40]);
        }
        block[40..48].copy_from_slice(&self.number.to_le_bytes());
        block[48..56].copy_from_slice(&self.same.to_number().to_le_bytes());
        block[56..60].copy_from_slice(&self.rotated.to_le_bytes());
        block::write(lock, generation, block::sealed(block), &[])
    }

    /// Parses a whole block of this kind.
    pub fn at(block: &[u8; BLOCK]) -> PendingRewrite {
        PendingRewrite {
            by: block[16..40]
                .iter()
                .any(|byte| *byte != 0)
                .then(|| Identity::at(block, 16)),
            number: u64_at(block, 40),
            same: Same::of_number(u64_at(block, 48)),
            rotated: u32_at(block, 56),
        }
    }
}

/// Settles by the rename. Before it, all that was prepared is removed. After
/// it, the generation of the new file is recorded.
pub(crate) fn settle(lock: LockFile<'_>, target: &Path, pending: &PendingRewrite) -> Result<()> {
    let os_error = |error| Error::os("recover", target, error);
    let now = match File::open(target, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        // So the name means another file.
        Err(error) if InTheWay::of(&error).is_some() => None,
        result => {
            let file = result.map_err(os_error)?;
            Some(Identity::of(&file).map_err(os_error)?)
        }
    };
    if now.is_some() && now == pending.by {
        return record_generation(lock, target, pending);
    }
    if let (Some(now), true) = (now, pending.rotated > 0) {
        // The journal may already have its second name. Later appends must not
        // show there.
        let name = rotated::path(target, pending.rotated);
        let second = sys::stat(&name).map_err(os_error)?;
        if second.is_some_and(|second| second.id == now.id) {
            sys::unlink(&name).map_err(|error| Error::os("recover", &name, error))?;
        }
    }
    temporary::sweep_again(target);
    Ok(())
}

/// Records the generation. By `Generation::of` the new file has this number
/// already. Only this record says how the file came to it.
fn record_generation(lock: LockFile<'_>, target: &Path, pending: &PendingRewrite) -> Result<()> {
    let os_error = |error| Error::os("recover", lock.path(), error);
    let file = lock.file().map_err(os_error)?;
    let recorded = lockfile::read_generation(file).map_err(os_error)?;
    let Some(by) = pending.by else {
        return Err(Error::internal("recover", target, "no file is named"));
    };
    if recorded.is_some_and(|recorded| recorded.of == by) {
        return Ok(());
    }
    let generation = pending.generation(by, recorded);
    lockfile::write_generation(file, generation).map_err(os_error)
}
