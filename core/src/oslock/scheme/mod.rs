//! Which file carries the lock of a path.

pub(crate) mod in_place;
pub(crate) mod mixed;
pub(crate) mod pid_file;
pub(crate) mod sidecar;
mod words;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::sys::{self, Access, Descriptor, PerProcess};
use crate::temporary;

pub use words::{OnUnsupported, Scheme};

pub(crate) use in_place::{InPlace, Redo, redo_path};

/// For each known directory, whether files can be locked in it.
static LOCKING: PerProcess<Mutex<HashMap<PathBuf, bool>>> = PerProcess::new();

/// Returns whether files next to this one can be locked. A file made for the
/// purpose shows it. The answer is `false` only if the system says that it has
/// no locks. `ENOLCK` may pass, so it does not count: all that share the file
/// must come to the same answer.
pub(crate) fn locks_beside(target: &Path) -> bool {
    let dir = target.parent().unwrap_or(target);
    let mut known = LOCKING
        .get(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(locks) = known.get(dir) {
        return *locks;
    }
    let probe = temporary::path_beside(target);
    let Ok(file) = Descriptor::create_beside(&probe, Access::Write, Some(0o600)) else {
        // The lock call itself will report the problem.
        return true;
    };
    let tried = file.try_lock(false);
    drop(file);
    let _ = sys::unlink(&probe);
    let locks = !matches!(tried, Err(error) if sys::is_without_locks(&error));
    known.insert(dir.to_owned(), locks);
    locks
}

/// The options of a handle that concern its lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub scheme: Scheme,
    pub on_unsupported: OnUnsupported,
    /// The age at which a lock file of the scheme `pid-file` that is not
    /// refreshed is taken over.
    pub stale: Duration,
}

/// A holder refreshes its file several times within the limit. Below this, a
/// busy machine would lose its lock.
const LEAST_STALE: Duration = Duration::from_secs(2);

impl Default for Choice {
    fn default() -> Choice {
        Choice {
            scheme: Scheme::Sidecar,
            on_unsupported: OnUnsupported::Fail,
            stale: Duration::from_secs(10),
        }
    }
}

impl Choice {
    pub fn check(&self, operation: &'static str, path: &Path) -> Result<()> {
        if self.stale < LEAST_STALE {
            return Err(Error::invalid_argument(
                operation,
                path,
                format!(
                    "stale is {:?}, less than {LEAST_STALE:?}: a holder that is only slow would \
                     lose its lock",
                    self.stale
                ),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{OnUnsupported, Scheme};

    #[test]
    fn words_and_back() {
        for scheme in [Scheme::Sidecar, Scheme::InPlace, Scheme::PidFile] {
            assert_eq!(scheme.to_string().parse(), Ok(scheme));
        }
        for policy in [OnUnsupported::Fail, OnUnsupported::PidFile] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        assert!("in_place".parse::<Scheme>().is_err());
        assert!("".parse::<OnUnsupported>().is_err());
    }
}
