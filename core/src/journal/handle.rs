//! Defines the handle of a journal, which all its methods use.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::append::group_commit::Handle;
use super::options::JournalOptions;
use super::shared::Shared;
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::sys;

/// An append-only file of one-line records. Any number of processes and threads may
/// append to it.
///
/// No record is ever torn, interleaved with another or glued to it. No record that
/// `append` acknowledged is lost. The next append repairs what a crash leaves. Reading
/// takes no lock.
///
/// One handle serves many threads. It stays with the path: if the file is replaced,
/// rotated or deleted, the next append goes to the file that then has the name.
///
/// ```
/// use untorn::Journal;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("session.jsonl");
/// let journal = Journal::open(&path)?;
/// journal.append(br#"{"role":"user","text":"hello"}"#)?;
/// journal.append_all([r#"{"role":"tool"}"#, r#"{"role":"assistant"}"#])?;
///
/// for record in journal.records()? {
///     println!("{}", String::from_utf8_lossy(&record?.bytes));
/// }
/// assert_eq!(journal.tail(1)?[0].bytes, br#"{"role":"assistant"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Journal {
    pub(super) handle: Arc<Handle>,
}

impl Journal {
    /// Returns the default options, to set durability, limits, timeout and more.
    #[must_use]
    pub fn options() -> JournalOptions {
        JournalOptions::default()
    }

    /// Opens the journal at `path` with the default options.
    ///
    /// # Errors
    /// As [`JournalOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Journal> {
        Journal::options().open(path)
    }

    fn with_options(path: &Path, options: JournalOptions) -> Result<Journal> {
        options.check(path)?;
        crate::target::check_mode("open", path, options.mode)?;
        let (real, stat) = match &options.home {
            Some(_) => {
                let stat = sys::stat(path).map_err(|error| Error::os("open", path, error))?;
                (path.to_owned(), stat)
            }
            None => crate::target::resolve("open", path, options.parents, options.durability)?,
        };
        match stat {
            Some(stat) if !stat.is_file => {
                return Err(Error::invalid_argument("open", path, "not a regular file"));
            }
            None if !options.create => {
                return Err(Error::new(
                    ErrorKind::NotFound,
                    "open",
                    path,
                    "the journal does not exist, and this handle must not create it",
                ));
            }
            _ => {}
        }
        let shared = Arc::new(Shared::new(real, options)?);
        Ok(Journal {
            handle: Arc::new(Handle::new(shared)),
        })
    }

    /// Returns the file's path, with every symbolic link resolved.
    pub fn path(&self) -> &Path {
        &self.handle.path
    }

    /// Closes the handle and its open files. Later calls that change the journal are
    /// refused. Calls that are under way finish, and then close what they have open. A
    /// second call does nothing.
    ///
    /// # Errors
    /// None today.
    pub fn close(&self) -> Result<()> {
        self.handle.close();
        Ok(())
    }

    /// Returns the durability that this handle was opened with.
    pub fn durability(&self) -> Durability {
        self.handle.options.durability
    }
}

impl JournalOptions {
    /// Opens the journal at `path`. Symbolic links are resolved now. The first append
    /// makes the file itself.
    ///
    /// # Errors
    /// `NOT_FOUND` if the directory is missing (or the file, without `create`).
    /// `INVALID_ARGUMENT` if the path is not a regular file's.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Journal> {
        Journal::with_options(path.as_ref(), self)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
