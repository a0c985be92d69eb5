//! Documents: one value in one file, always replaced whole.
//!
//! ```text
//! options.rs  version.rs    what callers see
//! load.rs                   reading
//! replace.rs                the new file, and the rename
//! update.rs                 read, change and save under one lock
//! ```

pub(crate) mod load;
mod options;
mod replace;
mod update;
mod version;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use options::DocumentOptions;
pub use update::Update;
pub use version::{Expect, Version};

use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::lock::{Call, Held, Kept, PathLock};
use crate::temporary;

/// One value in one file, always replaced whole.
///
/// At every instant, and after every crash that its durability covers, the file
/// holds its old bytes or its new ones. Mode, owner, extended attributes and
/// symbolic links are kept.
///
/// ```
/// use untorn::Document;
/// # let dir = tempfile::tempdir()?;
/// let state = Document::open(dir.path().join("session.json"))?;
/// let version = state.save(b"{\"turns\":1}")?;
/// state.update(|old| {
///     assert_eq!(old, Some(&b"{\"turns\":1}"[..]));
///     Ok(b"{\"turns\":2}".to_vec())
/// })?;
/// // Somebody else saved in between:
/// let error = state.save_if(Some(version), b"{}").unwrap_err();
/// assert_eq!(error.kind(), untorn::ErrorKind::Conflict);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Document {
    shared: Arc<Shared>,
}

struct Shared {
    /// Resolved: no symbolic link in it.
    path: PathBuf,
    options: DocumentOptions,
    lock: PathLock,
    closed: AtomicBool,
}

/// The lock that a change is made under.
enum Under {
    Own(Held),
    Given(Arc<Kept>),
}

impl Document {
    /// Durability, mode, timeout and so on.
    #[must_use]
    pub fn options() -> DocumentOptions {
        DocumentOptions::default()
    }

    /// Opens the document at `path`, which need not be there yet.
    ///
    /// # Errors
    /// As [`DocumentOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Document> {
        Document::options().open(path)
    }

    fn with_options(path: &Path, options: DocumentOptions) -> Result<Document> {
        let real = crate::target::resolve("open", path, options.parents, options.durability)?;
        let stat = fs::stat(&real).map_err(|error| Error::os("open", path, error))?;
        if stat.is_some_and(|stat| !stat.is_file) {
            return Err(Error::invalid_argument("open", path, "not a regular file"));
        }
        let lock = PathLock::of("open", &real, &options.choice, true, options.mode)?;
        if lock.is_in_place() {
            return Err(Error::invalid_argument(
                "open",
                path,
                "documents in the scheme in-place are not in this version",
            ));
        }
        temporary::sweep(&real);
        Ok(Document {
            shared: Arc::new(Shared {
                lock,
                path: real,
                options,
                closed: AtomicBool::new(false),
            }),
        })
    }

    /// The file, with every symbolic link resolved.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// The bytes, and the version that they are. Takes no lock.
    ///
    /// # Errors
    /// `NOT_FOUND`, and failures of the system.
    pub fn load(&self) -> Result<(Vec<u8>, Version)> {
        self.shared.load()?.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "load",
                self.path(),
                "the document is not there",
            )
        })
    }

    /// Replaces the whole, whatever it was.
    ///
    /// # Errors
    /// `STORAGE_FULL`, `PERMISSION_DENIED`, `LOCK_TIMEOUT` and other failures of the
    /// system: the file is as it was. `NOT_DURABLE`: the new bytes are in
    /// place, but a power cut may bring the old ones back.
    pub fn save(&self, bytes: &[u8]) -> Result<Version> {
        self.save_with(bytes, Expect::Anything, &Call::new())
    }

    /// Replaces the whole if it is this version still; `None`: if it is not
    /// there.
    ///
    /// # Errors
    /// `CONFLICT` or `ALREADY_EXISTS`; and as [`Document::save`].
    pub fn save_if(&self, version: Option<Version>, bytes: &[u8]) -> Result<Version> {
        let expect = version.map_or(Expect::Absent, Expect::Version);
        self.save_with(bytes, expect, &Call::new())
    }

    /// Saves a document that must not be there yet.
    ///
    /// # Errors
    /// `ALREADY_EXISTS`; and as [`Document::save`].
    pub fn create(&self, bytes: &[u8]) -> Result<Version> {
        self.save_with(bytes, Expect::Absent, &Call::new())
    }

    /// All of the above, with a way to wait, to cancel, or to work under a lock
    /// that is held already.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn save_with(&self, bytes: &[u8], expect: Expect, call: &Call<'_>) -> Result<Version> {
        let under = self.shared.enter("save", call)?;
        self.shared.save_under(&under, bytes, expect)
    }

    /// Reads, changes and saves under one lock: no update of another is lost.
    /// `change` gets the bytes, or `None` if the document is not there. If it
    /// fails, nothing changes.
    ///
    /// # Errors
    /// That of `change`; and as [`Document::save`].
    pub fn update<F>(&self, change: F) -> Result<Version>
    where
        F: FnOnce(Option<&[u8]>) -> Result<Vec<u8>>,
    {
        let mut update = self.begin_update(&Call::new())?;
        let bytes = change(update.value())?;
        update.save(&bytes)
    }

    /// Takes the lock and reads; the lock is held until the update is dropped.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `CANCELLED`, and failures of the system.
    pub fn begin_update(&self, call: &Call<'_>) -> Result<Update> {
        let under = self.shared.enter("update", call)?;
        Update::begin(Arc::clone(&self.shared), under)
    }

    /// Removes the document. `false`: it was not there.
    ///
    /// # Errors
    /// As [`Document::save`].
    pub fn remove(&self) -> Result<bool> {
        self.remove_with(Expect::Anything, &Call::new())
    }

    /// Removes the document if it is this version still.
    ///
    /// # Errors
    /// `CONFLICT`; and as [`Document::save`].
    pub fn remove_if(&self, version: Version) -> Result<()> {
        self.remove_with(Expect::Version(version), &Call::new())?;
        Ok(())
    }

    /// Both of the above, with a way to wait, to cancel, or to work under a
    /// lock that is held already.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn remove_with(&self, expect: Expect, call: &Call<'_>) -> Result<bool> {
        let under = self.shared.enter("remove", call)?;
        let _held = under.hold("remove", &self.shared)?;
        self.shared.check("remove", expect)?;
        replace::remove(&self.shared.path, self.shared.options.durability)
    }

    /// Closes the handle: later calls that change the document are refused. A
    /// second time does nothing.
    ///
    /// # Errors
    /// None today.
    pub fn close(&self) -> Result<()> {
        self.shared.closed.store(true, Ordering::Release);
        Ok(())
    }

    /// The durability that this handle was opened with.
    pub fn durability(&self) -> Durability {
        self.shared.options.durability
    }
}

impl Shared {
    /// The lock for one change.
    fn enter(&self, operation: &'static str, call: &Call<'_>) -> Result<Under> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::invalid_argument(
                operation,
                &self.path,
                "the document is closed",
            ));
        }
        if let Some(kept) = call.guard() {
            return Ok(Under::Given(Arc::clone(kept)));
        }
        let patience = call.begin(self.options.timeout);
        Ok(Under::Own(self.lock.acquire(operation, false, &patience)?))
    }

    fn save_under(&self, under: &Under, bytes: &[u8], expect: Expect) -> Result<Version> {
        let _held = under.hold("save", self)?;
        self.check("save", expect)?;
        replace::replace(&self.path, bytes, &self.options, expect == Expect::Absent)?;
        Ok(Version::of(bytes))
    }

    /// Whether the document is what the caller expects.
    fn check(&self, operation: &'static str, expect: Expect) -> Result<()> {
        let refuse = |kind, detail: String| Err(Error::new(kind, operation, &self.path, detail));
        match expect {
            Expect::Anything => Ok(()),
            Expect::Absent => match fs::stat(&self.path) {
                Ok(None) => Ok(()),
                Ok(Some(_)) => refuse(
                    ErrorKind::AlreadyExists,
                    "the document is there already; nothing was changed".to_owned(),
                ),
                Err(error) => Err(Error::os(operation, &self.path, error)),
            },
            Expect::Version(expected) => match self.load()? {
                Some((_, actual)) if actual == expected => Ok(()),
                Some((_, actual)) => refuse(
                    ErrorKind::Conflict,
                    format!(
                        "the document is version {actual}, not {expected}: others have saved it \
                         meanwhile; load it and try again"
                    ),
                ),
                None => refuse(
                    ErrorKind::Conflict,
                    format!("the document is not there, and was to be version {expected}"),
                ),
            },
        }
    }
}

impl Under {
    /// Makes sure of the lock, for as long as what this returns lives.
    fn hold<'a>(
        &'a self,
        operation: &'static str,
        shared: &Shared,
    ) -> Result<Option<std::sync::MutexGuard<'a, Option<Held>>>> {
        match self {
            Under::Own(held) if held.is_ours() => Ok(None),
            Under::Own(_) => Err(Error::invalid_argument(
                operation,
                &shared.path,
                "the lock belongs to the process that this one was forked from",
            )),
            Under::Given(kept) => kept.work(operation, &shared.path, &shared.lock).map(Some),
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
