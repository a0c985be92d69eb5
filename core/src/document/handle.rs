//! The handle of a document: what callers see.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::option_fields::DocumentOptions;
use super::shared::Shared;
use super::update::Update;
use super::version::{Expect, Version};
use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::lock::CallOptions;
use crate::oslock::PathLock;
use crate::sys;

/// One value in one file, always replaced whole.
///
/// At every instant, and after every crash that its durability covers, the file
/// holds its old bytes or its new ones. A save keeps mode, owner, extended
/// attributes and symbolic links.
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
/// // Another process has saved in between:
/// let error = state.save_if(Some(version), b"{}").unwrap_err();
/// assert_eq!(error.kind(), untorn::ErrorKind::Conflict);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Document {
    pub(super) shared: Arc<Shared>,
}

impl Document {
    /// Returns the options: durability, mode, timeout and so on.
    #[must_use]
    pub fn options() -> DocumentOptions {
        DocumentOptions::default()
    }

    /// Opens the document at `path`, which may be missing yet.
    ///
    /// # Errors
    /// As [`DocumentOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Document> {
        Document::options().open(path)
    }

    pub(super) fn with_options(path: &Path, options: DocumentOptions) -> Result<Document> {
        crate::target::check_mode("open", path, options.mode)?;
        let (real, stat) = match &options.home {
            Some(_) => {
                let stat = sys::stat(path).map_err(|error| Error::os("open", path, error))?;
                (path.to_owned(), stat)
            }
            None => crate::target::resolve("open", path, options.parents, options.durability)?,
        };
        let given = crate::target::absolute(path)?;
        if stat.is_some_and(|stat| !stat.is_file) {
            return Err(Error::invalid_argument("open", path, "not a regular file"));
        }
        let lock = PathLock::of("open", &real, &options.choice, true, options.mode)?
            .in_home(options.home.clone());
        Ok(Document {
            shared: Arc::new(Shared {
                lock,
                path: real,
                given,
                options,
                closed: AtomicBool::new(false),
            }),
        })
    }

    /// Returns the file's path, with every symbolic link resolved.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Returns the bytes and their version. Takes no lock.
    ///
    /// The directory that the path led to at the open may be gone, and the path
    /// may lead elsewhere by now. Then this loads the file that the path leads to
    /// now. Kubernetes swaps a ConfigMap so.
    ///
    /// # Errors
    /// `NOT_FOUND`, and failures of the system.
    pub fn load(&self) -> Result<(Vec<u8>, Version)> {
        self.shared.load()?.ok_or_else(|| self.shared.missing())
    }

    /// Replaces the whole document, whatever it was.
    ///
    /// # Errors
    /// `STORAGE_FULL`, `PERMISSION_DENIED`, `LOCK_TIMEOUT` and other failures of
    /// the system: the file is as it was. `NOT_DURABLE`: the new bytes are in
    /// place, but a power cut may bring the old ones back.
    pub fn save(&self, bytes: &[u8]) -> Result<Version> {
        self.save_with(bytes, Expect::Anything, &CallOptions::new())
    }

    /// Replaces the whole document if it still has this version; with `None`, if
    /// it is missing.
    ///
    /// # Errors
    /// `CONFLICT` or `ALREADY_EXISTS`; and as [`Document::save`].
    pub fn save_if(&self, version: Option<Version>, bytes: &[u8]) -> Result<Version> {
        let expect = version.map_or(Expect::Absent, Expect::Version);
        self.save_with(bytes, expect, &CallOptions::new())
    }

    /// Saves a document that must not exist yet.
    ///
    /// # Errors
    /// `ALREADY_EXISTS`; and as [`Document::save`].
    pub fn create(&self, bytes: &[u8]) -> Result<Version> {
        self.save_with(bytes, Expect::Absent, &CallOptions::new())
    }

    /// Saves as all of the above do. The call says how to wait or cancel, or
    /// which lock it works under.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn save_with(
        &self,
        bytes: &[u8],
        expect: Expect,
        call: &CallOptions<'_>,
    ) -> Result<Version> {
        let operation = match expect {
            Expect::Absent => "create",
            _ => "save",
        };
        let under = self.shared.enter(operation, call)?;
        self.shared.save_under(&under, operation, bytes, expect)
    }

    /// Reads, changes and saves under one lock, so that no other writer's update
    /// is lost. `change` gets the bytes, or `None` if the document is missing. If
    /// `change` fails, the document is as it was.
    ///
    /// # Errors
    /// The error of `change`; and as [`Document::save`]. To fail with an error of your
    /// own, use [`Document::try_update`].
    pub fn update<F>(&self, change: F) -> Result<Version>
    where
        F: FnOnce(Option<&[u8]>) -> Result<Vec<u8>>,
    {
        self.try_update(change)
    }

    /// Does the same as [`Document::update`] with an error type of the caller's own.
    ///
    /// ```
    /// use untorn::Document;
    /// # let dir = tempfile::tempdir()?;
    /// # #[derive(Debug)]
    /// enum Failed {
    ///     Untorn(untorn::Error),
    ///     NotJson(serde_json::Error),
    /// }
    /// impl From<untorn::Error> for Failed {
    ///     fn from(error: untorn::Error) -> Failed {
    ///         Failed::Untorn(error)
    ///     }
    /// }
    ///
    /// let state = Document::open(dir.path().join("state.json"))?;
    /// state.save(b"no JSON")?;
    /// let failed = state.try_update(|old| {
    ///     let mut value: serde_json::Value =
    ///         serde_json::from_slice(old.unwrap_or(b"{}")).map_err(Failed::NotJson)?;
    ///     value["turns"] = 1.into();
    ///     Ok(value.to_string().into_bytes())
    /// });
    /// assert!(matches!(failed, Err(Failed::NotJson(_))));
    /// assert_eq!(state.load()?.0, b"no JSON");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The error of `change`; and as [`Document::save`].
    pub fn try_update<F, E>(&self, change: F) -> std::result::Result<Version, E>
    where
        F: FnOnce(Option<&[u8]>) -> std::result::Result<Vec<u8>, E>,
        E: From<Error>,
    {
        let mut update = self.begin_update(&CallOptions::new())?;
        let bytes = change(update.value())?;
        Ok(update.save(&bytes)?)
    }

    /// Takes the lock and reads. The lock is held until the update is dropped.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `CANCELLED`, and failures of the system.
    pub fn begin_update(&self, call: &CallOptions<'_>) -> Result<Update> {
        let under = self.shared.enter("update", call)?;
        Update::begin(Arc::clone(&self.shared), under)
    }

    /// Removes the document. Returns `false` if it was missing.
    ///
    /// # Errors
    /// As [`Document::save`].
    pub fn remove(&self) -> Result<bool> {
        self.remove_with(Expect::Anything, &CallOptions::new())
    }

    /// Removes the document if it still has this version.
    ///
    /// # Errors
    /// `CONFLICT`; and as [`Document::save`].
    pub fn remove_if(&self, version: Version) -> Result<()> {
        self.remove_with(Expect::Version(version), &CallOptions::new())?;
        Ok(())
    }

    /// Removes as both of the above do. The call says how to wait or cancel, or
    /// which lock it works under.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn remove_with(&self, expect: Expect, call: &CallOptions<'_>) -> Result<bool> {
        let Some(under) = self.shared.enter_if_there("remove", call)? else {
            self.shared.compare("remove", expect, || Ok(None))?;
            return Ok(false);
        };
        under.work("remove", &self.shared, |lock| {
            self.shared.remove(lock, expect)
        })
    }

    /// Closes the handle and all that it has open. Later calls that change the
    /// document are refused. A second call does nothing.
    ///
    /// # Errors
    /// None today.
    pub fn close(&self) -> Result<()> {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.lock.close();
        Ok(())
    }

    /// Returns the durability that this handle was opened with.
    pub fn durability(&self) -> Durability {
        self.shared.options.durability
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
