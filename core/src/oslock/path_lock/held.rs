//! The lock while it is held.

use std::sync::Arc;

use crate::oslock::at_hand::LockFile;
use crate::oslock::gate::Gate;
use crate::oslock::scheme::Redo;
use crate::oslock::scheme::Scheme;
use crate::oslock::turn::ThreadKey;

/// A lock that is held; dropping it lets it go.
pub(crate) struct Held {
    pub(crate) gate: Arc<Gate>,
    pub(crate) thread: ThreadKey,
    pub(crate) shared: bool,
    pub(crate) lock_size: u64,
    /// The lock file's permission bits.
    pub(crate) mode: u32,
    pub(crate) redo: Option<Arc<Redo>>,
}

impl Held {
    #[inline]
    pub fn lock_file(&self) -> LockFile<'_> {
        LockFile {
            gate: &self.gate,
            redo: self.redo.as_deref(),
        }
    }

    /// Whether the lock is on the data itself.
    pub fn is_in_place(&self) -> bool {
        self.redo.is_some()
    }

    pub fn scheme(&self) -> Scheme {
        match self.gate.pid_file() {
            Some(_) => Scheme::PidFile,
            None if self.is_in_place() => Scheme::InPlace,
            None => Scheme::Sidecar,
        }
    }

    /// Whether this is a lock of this process, not of the one it was forked
    /// from.
    pub fn is_ours(&self) -> bool {
        self.gate.is_ours()
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        // A forked child has no part in the lock: an unlock would free its
        // parent's.
        if self.gate.is_ours() {
            self.gate.release(self.thread);
        }
    }
}
