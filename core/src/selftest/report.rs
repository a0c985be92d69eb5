//! The report of a self-test.

use std::fmt;
use std::path::PathBuf;

use crate::oslock::Scheme;

/// The outcome of one check.
///
/// ```
/// use untorn::Outcome;
/// assert_eq!(Outcome::Skipped.as_str(), "skipped");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The directory is as this library needs it.
    Passed,
    /// The directory is not as this library needs it.
    Failed,
    /// The check can't run here, or is not needed.
    Skipped,
}

impl Outcome {
    /// Returns `"passed"`, `"failed"` or `"skipped"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
        }
    }
}

/// One check that ran.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// for check in untorn::selftest(dir.path())?.checks {
///     println!("{}: {} ({})", check.name, check.outcome.as_str(), check.detail);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `"exclusion"`, `"exclusion_threads"`, `"sharing"`, `"waiting"`,
    /// `"release_on_death"`, `"scheme"`, `"rename"`, `"link"`, `"sync"`,
    /// `"sync_directory"`, `"names"`. Later versions may have more.
    pub name: &'static str,
    /// The check's outcome.
    pub outcome: Outcome,
    /// The detail in words, for people.
    pub detail: String,
}

/// The report of [`crate::selftest`].
///
/// ```
/// use untorn::Outcome;
/// # let dir = tempfile::tempdir()?;
/// let report = untorn::selftest(dir.path())?;
/// for check in &report.checks {
///     println!("{:?} {:?}", check.name, check.outcome);
///     assert!(!matches!(check.outcome, Outcome::Failed));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfTest {
    /// The directory, with every symbolic link resolved.
    pub dir: PathBuf,
    /// The file system's name as `mount` shows it; empty if it is not known.
    pub file_system: String,
    /// The scheme that was tried.
    pub scheme: Scheme,
    /// The checks, in the order in which they ran.
    pub checks: Vec<Check>,
}

impl SelfTest {
    /// Returns whether no check failed.
    pub fn passed(&self) -> bool {
        self.checks
            .iter()
            .all(|check| check.outcome != Outcome::Failed)
    }
}

impl fmt::Display for SelfTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = match self.file_system.as_str() {
            "" => "an unknown file system",
            name => name,
        };
        writeln!(f, "{} on {system}, {}", self.dir.display(), self.scheme)?;
        for check in &self.checks {
            let (name, outcome) = (check.name, check.outcome.as_str());
            writeln!(f, "{name:18} {outcome:8} {}", check.detail)?;
        }
        Ok(())
    }
}
