//! What a self-test found.

use std::fmt;
use std::path::PathBuf;

use crate::oslock::Scheme;

/// What came of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is as this library needs it.
    Passed,
    /// It is not.
    Failed,
    /// It can't be told here, or is not needed.
    Skipped,
}

impl Outcome {
    /// `"passed"`, `"failed"` or `"skipped"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
        }
    }
}

/// One thing that was tried.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `"exclusion"`, `"exclusion_threads"`, `"sharing"`, `"waiting"`,
    /// `"release_on_death"`, `"scheme"`, `"rename"`, `"link"`, `"sync"`,
    /// `"sync_directory"`, `"names"`; there may be more in later versions.
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// In words, for people.
    pub detail: String,
}

/// What [`crate::selftest`] found.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfTest {
    /// The directory, with every symbolic link resolved.
    pub dir: PathBuf,
    /// The file system's name as `mount` shows it; empty if it is not known.
    pub file_system: String,
    /// The scheme that was tried.
    pub scheme: Scheme,
    /// What was tried, in this order.
    pub checks: Vec<Check>,
}

impl SelfTest {
    /// Whether nothing failed.
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
