//! Finds the holder of a file's lock: for messages, never for exclusion.
//!
//! A holder that means to keep a lock writes a line into `P.holder`. Others
//! write none (an append takes a microsecond), so the system is asked for them.

use std::path::Path;

use crate::error::{Error, Result};
use crate::holder::Holder;
use crate::oslock::find_holder::{of_data, of_lock};
use crate::oslock::note::path_for;
use crate::oslock::scheme::{in_place, pid_file, sidecar};
use crate::process::Alive;
use crate::recovery::handover;
use crate::sys;

/// Returns the current holder of this file's lock. Returns `None` if no process
/// holds it, or if the holder can't be known.
///
/// # Errors
/// `NOT_FOUND`: the directory is missing, or the path can't be resolved.
pub fn holder(path: impl AsRef<Path>) -> Result<Option<Holder>> {
    let path = path.as_ref();
    let real = sys::real_path(path).map_err(|error| Error::os("holder", path, error))?;
    let holder_path = path_for(&real);
    // This covers all schemes: the lock file, or else the file itself.
    let lock_path = sidecar::lock_path(&real);
    let held = of_lock(&lock_path, &holder_path).or_else(|| of_data(&real, &holder_path));
    // A lock without a holder may be reserved for a process.
    let guard = pid_file::guard_path(&lock_path);
    let records = [lock_path, in_place::redo_path(&real), guard];
    Ok(held.or_else(|| {
        let mut reserved = records.iter().filter_map(|path| handover::reserved(path));
        reserved
            .find(|reservation| reservation.to.alive() != Alive::Dead)
            .map(|reservation| reservation.to.into())
    }))
}
