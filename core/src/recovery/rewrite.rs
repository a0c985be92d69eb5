//! Kind 5: a rewrite. The old file with its generation, or the new one with its.

use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::oslock::LockFile;
use crate::recovery::record::{self, Identity, PendingRewrite};
use crate::sys::{self, Access, File, InTheWay};
use crate::{rotated, temporary};

/// The rename is what counts: before it, all that was prepared goes; after it,
/// the generation of the new file is recorded.
pub(crate) fn settle(lock: LockFile<'_>, target: &Path, pending: &PendingRewrite) -> Result<()> {
    let told = |error| Error::os("recover", target, error);
    let now = match File::open(target, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        // So it is another file.
        Err(error) if InTheWay::of(&error).is_some() => None,
        result => {
            let file = result.map_err(told)?;
            Some(Identity::of(&file).map_err(told)?)
        }
    };
    if now.is_some() && now == pending.by {
        return record_generation(lock, target, pending);
    }
    if let (Some(now), true) = (now, pending.rotated > 0) {
        // The journal's second name, where it was given one already: what is
        // appended from now on must not show there.
        let name = rotated::path(target, pending.rotated);
        let second = sys::stat(&name).map_err(told)?;
        if second.is_some_and(|second| second.id == now.id) {
            sys::unlink(&name).map_err(|error| Error::os("recover", &name, error))?;
        }
    }
    temporary::sweep_again(target);
    Ok(())
}

/// The new file has this number already, by what `Generation::of` says; only
/// how it came to it is known from here alone.
fn record_generation(lock: LockFile<'_>, target: &Path, pending: &PendingRewrite) -> Result<()> {
    let told = |error| Error::os("recover", lock.path(), error);
    let file = lock.file().map_err(told)?;
    let recorded = record::read_generation(file).map_err(told)?;
    let Some(by) = pending.by else {
        return Err(Error::internal("recover", target, "no file is named"));
    };
    if recorded.is_some_and(|recorded| recorded.of == by) {
        return Ok(());
    }
    let generation = pending.generation(by, recorded);
    record::write_generation(file, generation).map_err(told)
}
