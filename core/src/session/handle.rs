//! The handle of one session.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::name::{self, Name};
use super::shared::{Shared, path_of};
use crate::error::Result;
use crate::lock::CallOptions;
use crate::transaction::Transaction;

/// A directory with a journal, a state document, media files and a lease.
///
/// The directory is created by the first call that needs it: one that changes the
/// session, takes a lock in it, or asks for a media file's place. Reading its
/// files creates nothing. A session has at most one owner at a time
/// ([`Session::claim`]). The files stay whole without an owner.
///
/// ```
/// use untorn::Store;
/// # let dir = tempfile::tempdir()?;
/// let session = Store::open(dir.path())?.session("chat:42")?;
/// session.journal()?.append(b"{\"role\":\"user\"}")?;
/// session.state()?.save(b"{\"turns\":1}")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Session {
    pub(super) store: Arc<Shared>,
    pub(super) key: String,
    pub(super) name: Name,
    pub(super) path: PathBuf,
}

impl Session {
    pub(super) fn new(store: &Arc<Shared>, key: &str) -> Session {
        let name = name::encode(key);
        Session {
            store: Arc::clone(store),
            key: key.to_owned(),
            path: path_of(store, &name),
            name,
        }
    }

    /// Returns the key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the session's directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a transaction, but creates nothing.
    pub(super) fn begin(&self, call: &CallOptions<'_>) -> Result<Transaction> {
        self.store.check_transactions("begin")?;
        let options = &self.store.options;
        Transaction::options()
            .durability(options.durability)
            .timeout(options.timeout)
            .journals(options.journal.clone())
            .begin_with(&self.path, call)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("key", &self.key)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
