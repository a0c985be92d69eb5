//! The lock while it is held.

use std::sync::Arc;

use crate::lock::Scheme;
use crate::lock::at_hand::LockFile;
use crate::lock::gate::Gate;
use crate::lock::in_place::Redo;
use crate::lock::turn::ThreadKey;

/// A lock that is held; dropping it lets it go.
pub(crate) struct Held {
    pub(in crate::lock) gate: Arc<Gate>,
    pub(super) thread: ThreadKey,
    pub(super) shared: bool,
    pub(super) lock_size: u64,
    /// The lock file's permission bits.
    pub(in crate::lock) mode: u32,
    pub(super) redo: Option<Arc<Redo>>,
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
