//! Checks that this directory keeps what the system promises.
//!
//! Some file systems pretend: a lock call succeeds and locks nothing. Only a
//! second process shows it.
//!
//! ```text
//! report.rs  the report
//! stage.rs   the directory of the test, and the second process
//! locks.rs   files.rs   the checks
//! ```

mod files;
mod locks;
mod report;
mod stage;

use std::io;
use std::path::Path;

pub use report::{Check, Outcome, SelfTest};

use self::stage::Stage;
use crate::error::{Error, Result};
use crate::oslock::Scheme;
use crate::sys;

/// The outcome of one check, and its detail in words.
type Found = (Outcome, String);

/// Tries whether locks in this directory lock between two processes, and whether
/// a file can be replaced and synced. Returns a report. Call it once before you
/// trust a directory: bind mounts of containers, network file systems and shared
/// folders of virtual machines may pretend.
///
/// It works in a directory of its own inside `dir`, which it removes. It takes
/// some 100 ms. It can't check whether a second machine is excluded too, nor
/// whether synced bytes survive a power cut.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// let test = untorn::selftest(dir.path())?;
/// assert!(test.passed(), "{test}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `NOT_FOUND`, `INVALID_ARGUMENT` (not a directory), `PERMISSION_DENIED`: no
/// check ran. A check that ran and failed is in the report.
pub fn selftest(dir: impl AsRef<Path>) -> Result<SelfTest> {
    selftest_with(dir, Scheme::Sidecar)
}

/// Runs [`selftest`] for files that are locked in this scheme.
///
/// # Errors
/// As [`selftest`].
pub fn selftest_with(dir: impl AsRef<Path>, scheme: Scheme) -> Result<SelfTest> {
    let given = dir.as_ref();
    let os_error = |error| Error::os("selftest", given, error);
    let dir = sys::canonical(given).map_err(os_error)?;
    if !sys::is_real_dir(&dir).map_err(os_error)? {
        return Err(Error::invalid_argument(
            "selftest",
            given,
            "not a directory",
        ));
    }
    let stage = Stage::build(&dir).map_err(os_error)?;
    let mut checks = Vec::new();
    let mut add = |name, found: Found| {
        let (outcome, detail) = found;
        checks.push(Check {
            name,
            outcome,
            detail,
        });
    };
    add("exclusion", answer(locks::exclusion(&stage)));
    add(
        "exclusion_threads",
        answer(locks::exclusion_threads(&stage)),
    );
    add("sharing", answer(locks::sharing(&stage)));
    add("waiting", answer(locks::waiting(&stage)));
    add("release_on_death", answer(locks::release_on_death(&stage)));
    add("scheme", answer(locks::scheme(&stage, scheme)));
    add("rename", answer(files::rename(&stage)));
    add("link", answer(files::link(&stage)));
    add("sync", answer(files::sync(&stage)));
    add("sync_directory", answer(files::sync_directory(&stage)));
    add("names", answer(files::names(&dir, scheme)));
    Ok(SelfTest {
        file_system: sys::file_system(&dir).unwrap_or_default(),
        dir,
        scheme,
        checks,
    })
}

/// Reports a refusal of the system as a failure.
fn answer<E: std::fmt::Display>(found: std::result::Result<Found, E>) -> Found {
    found.unwrap_or_else(|error| (Outcome::Failed, error.to_string()))
}

fn passed(detail: impl Into<String>) -> io::Result<Found> {
    Ok((Outcome::Passed, detail.into()))
}

fn failed(detail: impl Into<String>) -> io::Result<Found> {
    Ok((Outcome::Failed, detail.into()))
}

fn skipped(detail: impl Into<String>) -> io::Result<Found> {
    Ok((Outcome::Skipped, detail.into()))
}
