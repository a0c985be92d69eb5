//! The files of a session.

use std::path::PathBuf;

use super::handle::Session;
use super::name;
use super::shared::{MEDIA, check_file};
use super::{directory, owner};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::holder::Holder;
use crate::journal::Journal;
use crate::lock::CallOptions;
use crate::oslock::Home;
use crate::sys;
use crate::transaction::Transaction;

impl Session {
    /// Returns whether the session exists.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn exists(&self) -> Result<bool> {
        sys::stat(&self.path)
            .map(|stat| stat.is_some_and(|stat| stat.is_dir))
            .map_err(|error| Error::os("exists", &self.path, error))
    }

    /// Opens the session's journal.
    ///
    /// # Errors
    /// As [`crate::JournalOptions::open`].
    pub fn journal(&self) -> Result<Journal> {
        self.journal_with(&CallOptions::new())
    }

    /// Opens the journal as [`Session::journal`] does, with a way to cancel. It
    /// never waits.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn journal_with(&self, call: &CallOptions<'_>) -> Result<Journal> {
        let options = self.store.options.journal.clone();
        let path = self.path.join(&self.store.options.journal_name);
        match self.home(call)? {
            None => options.open(path),
            Some(home) => options.home(home).open(path),
        }
    }

    /// Opens the session's state document.
    ///
    /// # Errors
    /// As [`crate::DocumentOptions::open`].
    pub fn state(&self) -> Result<Document> {
        self.state_with(&CallOptions::new())
    }

    /// Opens the state as [`Session::state`] does, with a way to wait or to
    /// cancel.
    ///
    /// # Errors
    /// The same, `LOCK_TIMEOUT` and `CANCELLED`.
    pub fn state_with(&self, call: &CallOptions<'_>) -> Result<Document> {
        self.document_with(&self.store.options.state_name, call)
    }

    /// Opens another document in the session's directory: `result.toml`. Its
    /// value is bytes.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name with a path in it, or one that this
    /// library uses itself; and as [`crate::DocumentOptions::open`].
    pub fn document(&self, name: &str) -> Result<Document> {
        self.document_with(name, &CallOptions::new())
    }

    /// Opens a document as [`Session::document`] does, with a way to wait or to
    /// cancel.
    ///
    /// # Errors
    /// The same, `LOCK_TIMEOUT` and `CANCELLED`.
    pub fn document_with(&self, name: &str, call: &CallOptions<'_>) -> Result<Document> {
        check_file("open", &self.path, name)?;
        let options = self.store.options.document.clone();
        let path = self.path.join(name);
        match self.home(call)? {
            None => options.open(path),
            Some(home) => options.home(home).open(path),
        }
    }

    /// Returns the path of the media file of this name, which may be missing yet.
    /// The path is always the same, and never that of another name, whatever the
    /// name is (`../x`, `a:b`, `PHOTO.jpg` next to `photo.jpg`). Creates the
    /// directory; the caller creates the file.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn media(&self, name: &str) -> Result<PathBuf> {
        self.media_with(name, &CallOptions::new())
    }

    /// Does as [`Session::media`], with a way to wait or to cancel.
    ///
    /// # Errors
    /// The same, `LOCK_TIMEOUT` and `CANCELLED`.
    pub fn media_with(&self, name: &str, call: &CallOptions<'_>) -> Result<PathBuf> {
        self.make("media", call)?;
        let path = self.path.join(MEDIA).join(name::of_file(name));
        sys::create_parents(&path, self.store.is_durable())
            .map_err(|error| Error::os("media", &path, error))?;
        Ok(path)
    }

    /// Returns the session's owner; `None` if the session has none. Takes no lock
    /// and creates nothing.
    ///
    /// A dead process is no owner, however it died. The death of a process on
    /// another host can't be known: it stays the owner here until another process
    /// claims the session.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn holder(&self) -> Result<Option<Holder>> {
        owner::holder(self)
    }

    /// Begins a transaction on the session's files: journal, state and other
    /// documents change together or not at all.
    ///
    /// `INVALID_ARGUMENT` if the store's files have another scheme than sidecar:
    /// a transaction would take other locks than journal and state do. And as
    /// [`crate::TransactionOptions::begin`].
    pub fn transaction(&self) -> Result<Transaction> {
        self.transaction_with(&CallOptions::new())
    }

    /// Begins a transaction as [`Session::transaction`] does, with a way to wait
    /// or to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn transaction_with(&self, call: &CallOptions<'_>) -> Result<Transaction> {
        self.store.check_transactions("begin")?;
        // Both waits share one deadline.
        let call = self.make("begin", call)?;
        self.begin(&call)
    }

    /// Returns what will create the missing session, with the first lock of one
    /// of its files. `None` if the session exists. A reader creates nothing.
    fn home(&self, call: &CallOptions<'_>) -> Result<Option<Home>> {
        if call.is_cancelled() {
            return Err(Error::cancelled("open", &self.path));
        }
        if directory::is_there("open", &self.path)? {
            return Ok(None);
        }
        let session = Session::new(&self.store, &self.key);
        Ok(Some(Home::new(move |operation, wait| {
            directory::make(operation, &session, wait)
        })))
    }

    /// Creates the directory, if it is missing. Returns the call with the rest of
    /// its time.
    fn make<'a>(&self, operation: &'static str, call: &CallOptions<'a>) -> Result<CallOptions<'a>> {
        let wait = call.begin(self.store.options.timeout);
        directory::make(operation, self, &wait)?;
        Ok(call.timeout(wait.left()))
    }
}
