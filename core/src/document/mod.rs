//! Documents: one value in one file, always replaced whole.
//!
//! ```text
//! options.rs  version.rs    the options; the version of a document
//! load.rs  json.rs          reading; the verdict whether it is JSON
//! replace.rs                the new file, and the rename
//! in_place.rs               documents that carry their own lock
//! update.rs                 read, change and save under one lock
//! ```

mod in_place;
mod json;
pub(crate) mod load;
mod option_fields;
mod options;
mod replace;
mod update;
mod version;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use json::document_json;
pub use option_fields::DocumentOptions;
pub use update::Update;
pub use version::{Expect, Version};

use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Call, Kept, lost_lock};
use crate::oslock::LockFile;
use crate::oslock::{Held, PathLock};
use crate::sys;
use crate::temporary;

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
    shared: Arc<Shared>,
}

struct Shared {
    /// The path with every symbolic link resolved.
    path: PathBuf,
    /// The absolute path, with the caller's symbolic links.
    given: PathBuf,
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

    fn with_options(path: &Path, options: DocumentOptions) -> Result<Document> {
        crate::target::check_mode("open", path, options.mode)?;
        let real = match &options.home {
            Some(_) => path.to_owned(),
            None => crate::target::resolve("open", path, options.parents, options.durability)?,
        };
        let given = crate::target::absolute(path)?;
        let stat = sys::stat(&real).map_err(|error| Error::os("open", path, error))?;
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
        self.shared.load()?.ok_or_else(|| self.shared.not_there())
    }

    /// Replaces the whole document, whatever it was.
    ///
    /// # Errors
    /// `STORAGE_FULL`, `PERMISSION_DENIED`, `LOCK_TIMEOUT` and other failures of
    /// the system: the file is as it was. `NOT_DURABLE`: the new bytes are in
    /// place, but a power cut may bring the old ones back.
    pub fn save(&self, bytes: &[u8]) -> Result<Version> {
        self.save_with(bytes, Expect::Anything, &Call::new())
    }

    /// Replaces the whole document if it still has this version; with `None`, if
    /// it is missing.
    ///
    /// # Errors
    /// `CONFLICT` or `ALREADY_EXISTS`; and as [`Document::save`].
    pub fn save_if(&self, version: Option<Version>, bytes: &[u8]) -> Result<Version> {
        let expect = version.map_or(Expect::Absent, Expect::Version);
        self.save_with(bytes, expect, &Call::new())
    }

    /// Saves a document that must not exist yet.
    ///
    /// # Errors
    /// `ALREADY_EXISTS`; and as [`Document::save`].
    pub fn create(&self, bytes: &[u8]) -> Result<Version> {
        self.save_with(bytes, Expect::Absent, &Call::new())
    }

    /// Saves as all of the above do. The call says how to wait or cancel, or
    /// which lock it works under.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn save_with(&self, bytes: &[u8], expect: Expect, call: &Call<'_>) -> Result<Version> {
        let under = self.shared.enter("save", call)?;
        self.shared.save_under(&under, bytes, expect)
    }

    /// Reads, changes and saves under one lock, so that no other writer's update
    /// is lost. `change` gets the bytes, or `None` if the document is missing. If
    /// `change` fails, the document is as it was.
    ///
    /// # Errors
    /// The error of `change`; and as [`Document::save`].
    pub fn update<F>(&self, change: F) -> Result<Version>
    where
        F: FnOnce(Option<&[u8]>) -> Result<Vec<u8>>,
    {
        let mut update = self.begin_update(&Call::new())?;
        let bytes = change(update.value())?;
        update.save(&bytes)
    }

    /// Takes the lock and reads. The lock is held until the update is dropped.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `CANCELLED`, and failures of the system.
    pub fn begin_update(&self, call: &Call<'_>) -> Result<Update> {
        let under = self.shared.enter("update", call)?;
        Update::begin(Arc::clone(&self.shared), under)
    }

    /// Removes the document. Returns `false` if it was missing.
    ///
    /// # Errors
    /// As [`Document::save`].
    pub fn remove(&self) -> Result<bool> {
        self.remove_with(Expect::Anything, &Call::new())
    }

    /// Removes the document if it still has this version.
    ///
    /// # Errors
    /// `CONFLICT`; and as [`Document::save`].
    pub fn remove_if(&self, version: Version) -> Result<()> {
        self.remove_with(Expect::Version(version), &Call::new())?;
        Ok(())
    }

    /// Removes as both of the above do. The call says how to wait or cancel, or
    /// which lock it works under.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn remove_with(&self, expect: Expect, call: &Call<'_>) -> Result<bool> {
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

impl Shared {
    /// Takes the lock for one change.
    fn enter(&self, operation: &'static str, call: &Call<'_>) -> Result<Under> {
        if !self.lock.is_in_place() {
            // Before the lock, so that others need not wait for the sweep.
            temporary::sweep(&self.path);
        }
        if let Some(given) = self.given(operation, call)? {
            return Ok(given);
        }
        let patience = call.begin(self.options.timeout);
        let held = self.lock.acquire(operation, false, &patience)?;
        Ok(Under::Own(held))
    }

    /// Takes the lock for a removal; `None` if the document is missing, so that
    /// nothing needs the lock.
    fn enter_if_there(&self, operation: &'static str, call: &Call<'_>) -> Result<Option<Under>> {
        if let Some(given) = self.given(operation, call)? {
            return Ok(Some(given));
        }
        let patience = call.begin(self.options.timeout);
        let held = self.lock.acquire_if_there(operation, false, &patience)?;
        Ok(held.map(Under::Own))
    }

    /// Returns the caller's lock, if the call works under one.
    fn given(&self, operation: &'static str, call: &Call<'_>) -> Result<Option<Under>> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::invalid_argument(
                operation,
                &self.path,
                "the document is closed",
            ));
        }
        Ok(call.guard().map(|kept| Under::Given(Arc::clone(kept))))
    }

    fn save_under(&self, under: &Under, bytes: &[u8], expect: Expect) -> Result<Version> {
        under.work("save", self, |lock| self.save(lock, bytes, expect))?;
        Ok(Version::of(bytes))
    }

    fn save(&self, lock: LockFile<'_>, bytes: &[u8], expect: Expect) -> Result<()> {
        if !self.lock.is_in_place() {
            self.forbid_link("save")?;
            self.check("save", expect, lock)?;
            return replace::replace(&self.path, bytes, &self.options, expect == Expect::Absent);
        }
        let old = self.load_under("save", lock)?;
        self.compare("save", expect, || {
            Ok(old.as_ref().map(|(_, version)| *version))
        })?;
        let old = old.map_or(Vec::new(), |(bytes, _)| bytes);
        in_place::save(&self.path, lock, &old, bytes, self.options.durability)
    }

    /// Refuses a symbolic link in the document's place. The path is resolved, so
    /// the link is newer than the open, and its target has another lock.
    fn forbid_link(&self, operation: &'static str) -> Result<()> {
        let told = |error| Error::os(operation, &self.path, error);
        match sys::look(&self.path).map_err(told)? {
            Some(seen) if seen.is_link => Err(told(sys::InTheWay::Link.into_error())),
            _ => Ok(()),
        }
    }

    fn remove(&self, lock: LockFile<'_>, expect: Expect) -> Result<bool> {
        let durability = self.options.durability;
        if !self.lock.is_in_place() {
            self.check("remove", expect, lock)?;
            return replace::remove(&self.path, durability);
        }
        let old = self.load_under("remove", lock)?;
        self.compare("remove", expect, || {
            Ok(old.as_ref().map(|(_, version)| *version))
        })?;
        let Some((old, _)) = old else {
            return Ok(false);
        };
        in_place::remove(&self.path, lock, &old, durability)?;
        Ok(true)
    }

    /// Checks that the document is as the caller expects.
    fn check(&self, operation: &'static str, expect: Expect, lock: LockFile<'_>) -> Result<()> {
        if expect == Expect::Absent {
            // Any version will do: only the existence matters, so nothing is
            // read.
            let stat = sys::stat(&self.path);
            let stat = stat.map_err(|error| Error::os(operation, &self.path, error))?;
            return self.compare(operation, expect, || Ok(stat.map(|_| Version::of(&[]))));
        }
        self.compare(operation, expect, || {
            let now = self.load_under(operation, lock)?;
            Ok(now.map(|(_, version)| version))
        })
    }

    /// Checks a version against the caller's. Calls `version` only if it matters.
    fn compare(
        &self,
        operation: &'static str,
        expect: Expect,
        version: impl FnOnce() -> Result<Option<Version>>,
    ) -> Result<()> {
        let refuse = |kind, detail: String| Err(Error::new(kind, operation, &self.path, detail));
        match expect {
            Expect::Anything => Ok(()),
            Expect::Absent => match version()? {
                None => Ok(()),
                Some(_) => refuse(
                    ErrorKind::AlreadyExists,
                    "the document already exists; nothing was changed".to_owned(),
                ),
            },
            Expect::Version(expected) => match version()? {
                Some(actual) if actual == expected => Ok(()),
                Some(actual) => refuse(
                    ErrorKind::Conflict,
                    format!(
                        "the document is version {actual}, not {expected}: others have saved it \
                         meanwhile; load it and try again"
                    ),
                ),
                None => refuse(
                    ErrorKind::Conflict,
                    format!("the document does not exist, and version {expected} was expected"),
                ),
            },
        }
    }
}

impl Under {
    /// Checks that the lock is still ours. A long-held lock may be lost.
    fn make_sure(&self, operation: &'static str, shared: &Shared) -> Result<()> {
        match self {
            Under::Own(held) if held.is_ours() && !shared.lock.names(operation, held)? => {
                Err(lost_lock(operation, &shared.path))
            }
            _ => Ok(()),
        }
    }

    /// Works under the lock, once it is verified and for as long as it takes.
    fn work<T>(
        &self,
        operation: &'static str,
        shared: &Shared,
        work: impl FnOnce(LockFile<'_>) -> Result<T>,
    ) -> Result<T> {
        match self {
            Under::Own(held) if held.is_ours() => work(held.lock_file()),
            Under::Own(_) => Err(Error::invalid_argument(
                operation,
                &shared.path,
                "the lock belongs to the process that this one was forked from",
            )),
            Under::Given(kept) => match &*kept.work(operation, &shared.path, &shared.lock)? {
                Some(held) => work(held.lock_file()),
                None => Err(Error::internal(operation, &shared.path, "the lock is gone")),
            },
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
