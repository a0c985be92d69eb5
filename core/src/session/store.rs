//! A directory of sessions.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::handle::Session;
use super::options::StoreOptions;
use super::shared::{Shared, check_file};
use super::{directory, removal};
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::CallOptions;
use crate::recovery::transaction::member_lock;
use crate::sys;

/// A directory of sessions, one directory each, found by their keys.
///
/// Any string is a key: it is mapped to the name of a directory, and back. The
/// first change to a session creates it.
///
/// ```
/// use untorn::Store;
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("sessions"))?;
/// let session = store.session("chat:42")?;
/// let lease = session.claim("worker 3")?;
/// session.journal()?.append(b"{\"role\":\"user\"}")?;
/// session.state()?.save(b"{\"turns\":1}")?;
/// drop(lease);
/// assert_eq!(store.keys()?, ["chat:42"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Store {
    pub(super) shared: Arc<Shared>,
}

impl Store {
    /// Returns the options: names of files, durability, timeout and so on.
    #[must_use]
    pub fn options() -> StoreOptions {
        StoreOptions::default()
    }

    /// Opens the store at `dir` with the default options. Creates the directory
    /// if it is missing.
    ///
    /// # Errors
    /// As [`StoreOptions::open`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Store> {
        Store::options().open(dir)
    }

    pub(super) fn with_options(dir: &Path, options: StoreOptions) -> Result<Store> {
        if dir.as_os_str().is_empty() {
            return Err(Error::invalid_argument("open", dir, "the path is empty"));
        }
        for file in [&options.journal_name, &options.state_name] {
            check_file("open", dir, file)?;
        }
        if options.journal_name == options.state_name {
            return Err(Error::invalid_argument(
                "open",
                dir,
                format!(
                    "journal and state must differ in name: both are {:?}",
                    options.state_name
                ),
            ));
        }
        let os_error = |error| Error::os("open", dir, error);
        if options.create {
            let durable = options.durability == Durability::Power;
            sys::create_parents(&dir.join("-"), durable).map_err(os_error)?;
        }
        let path = sys::real_path(dir).map_err(os_error)?;
        match sys::stat(&path).map_err(os_error)? {
            Some(stat) if stat.is_dir => {}
            Some(_) => {
                return Err(Error::invalid_argument("open", dir, "not a directory"));
            }
            None => {
                return Err(Error::new(
                    ErrorKind::NotFound,
                    "open",
                    dir,
                    "the directory does not exist, and this handle must not create it",
                ));
            }
        }
        let names = member_lock(&path.join(directory::NAMES));
        // This lock is seldom taken, and a store is never closed. So its lock
        // file is open only while it is locked.
        names.close();
        let shared = Shared {
            path,
            options,
            names,
        };
        Ok(Store {
            shared: Arc::new(shared),
        })
    }

    /// Returns the directory, with every symbolic link resolved.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Returns the session with this key, which may be missing yet. Creates
    /// nothing.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a key of more than 1 MiB.
    pub fn session(&self, key: &str) -> Result<Session> {
        if key.len() > directory::LONGEST_KEY {
            return Err(Error::invalid_argument(
                "session",
                self.path(),
                format!(
                    "a key of {} bytes: it may have {}",
                    key.len(),
                    directory::LONGEST_KEY
                ),
            ));
        }
        Ok(Session::new(&self.shared, key))
    }

    /// Returns the keys of all sessions, sorted.
    ///
    /// A directory counts as a session only if its name is exactly the one that a
    /// key has here. Others are left alone.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn keys(&self) -> Result<Vec<String>> {
        self.keys_with(&CallOptions::new())
    }

    /// Returns the keys as [`Store::keys`] does, with a way to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn keys_with(&self, call: &CallOptions<'_>) -> Result<Vec<String>> {
        let wait = call.begin(self.shared.options.timeout);
        let sessions = directory::sessions("keys", &self.shared, &wait)?;
        // Most comparisons end with the first bytes, which stand here by themselves.
        let mut keys: Vec<(u64, String)> = sessions
            .into_iter()
            .map(|(key, _)| (first_bytes(&key), key))
            .collect();
        keys.sort_unstable();
        Ok(keys.into_iter().map(|(_, key)| key).collect())
    }

    /// Removes the session with all its files. Returns `false` if it was missing.
    /// Tries once, without waiting for an owner.
    ///
    /// The session is gone at one instant. If this process dies before all of its
    /// files are removed, they are in no session's directory any more. A later
    /// `remove` or `keys` removes the rest.
    ///
    /// # Errors
    /// `LOCKED` and the holder, while the session has an owner; failures of the
    /// system. On Windows `PERMISSION_DENIED` while a process has a file of the session
    /// open: then nothing was removed.
    pub fn remove(&self, key: &str) -> Result<bool> {
        let once = CallOptions::new().timeout(Some(std::time::Duration::ZERO));
        self.remove_with(key, &once)
    }

    /// Removes the session as [`Store::remove`] does, with a way to wait until
    /// the owner releases it, or to cancel.
    ///
    /// # Errors
    /// The same, `LOCK_TIMEOUT` and `CANCELLED`.
    pub fn remove_with(&self, key: &str, call: &CallOptions<'_>) -> Result<bool> {
        removal::remove(&self.session(key)?, call)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

impl StoreOptions {
    /// Opens the store at `dir`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if `dir` is a file, or a file's name can't be used;
    /// `NOT_FOUND` without `create`; failures of the system.
    pub fn open(self, dir: impl AsRef<Path>) -> Result<Store> {
        Store::with_options(dir.as_ref(), self)
    }
}

/// Returns a number that orders texts by their first bytes.
fn first_bytes(text: &str) -> u64 {
    let mut first = [0; 8];
    let length = text.len().min(8);
    first[..length].copy_from_slice(&text.as_bytes()[..length]);
    u64::from_be_bytes(first)
}
