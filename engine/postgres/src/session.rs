//! The handle of one session, and its files.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use untorn::engine;
use untorn::{Error, Holder};

use crate::document::Document;
use crate::driver::{Columns, Param};
use crate::journal::Journal;
use crate::kept::Kept;
use crate::owner;
use crate::shared::Shared;
use crate::transaction::Transaction;

/// A file of a session, as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its name.
    pub name: String,
    /// Its generation.
    pub generation: u64,
    /// Its size in bytes.
    pub size: u64,
}

/// A session: a journal, a state document, other documents and a lease. It has the
/// verbs of [`untorn::Session`], but for those that need a path.
///
/// After [`Session::claim`], all that this handle's journals, documents and transactions
/// change names the lease. Once another process has claimed the session, they can change
/// nothing any more: `LEASE_LOST`. Another handle of the session, also of this process,
/// is not fenced.
pub struct Session {
    pub(crate) store: Arc<Shared>,
    pub(crate) kept: Arc<Kept>,
}

impl Session {
    pub(crate) fn new(store: &Arc<Shared>, key: &str) -> Session {
        Session {
            kept: Arc::new(Kept::new(&store.link, &store.options, key)),
            store: Arc::clone(store),
        }
    }

    /// Returns the key.
    pub fn key(&self) -> &str {
        &self.kept.key
    }

    /// Returns the session's name in messages: schema and key.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.kept.name
    }

    /// Returns the files of the session, by name.
    ///
    /// # Errors
    /// Those of the database.
    pub fn files(&self) -> Result<Vec<Stat>, Error> {
        let kept = &self.kept;
        kept.settle("files", &kept.name)?;
        let sql = format!(
            "select name, generation, size from {}.stat($1::text)",
            kept.link.schema
        );
        let rows = kept
            .link
            .read("files", &kept.name, &sql, &[Param::Text(Some(&kept.key))])?;
        let stat = |row| {
            let mut columns = Columns::of(row);
            Some(Stat {
                name: columns.text()?,
                generation: columns.int()? as u64,
                size: columns.int()? as u64,
            })
        };
        Ok(rows.into_iter().filter_map(stat).collect())
    }

    /// Returns whether the session has a file or an owner.
    ///
    /// # Errors
    /// Those of the database.
    pub fn exists(&self) -> Result<bool, Error> {
        Ok(!self.files()?.is_empty() || self.holder()?.is_some())
    }

    /// Opens the session's journal.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for options that only files have.
    pub fn journal(&self) -> Result<Journal, Error> {
        self.journal_named(&self.store.options.journal_name)
    }

    /// Opens another journal of the session.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name that no file of a session can have.
    pub fn journal_named(&self, name: &str) -> Result<Journal, Error> {
        engine::check_file("open", &self.kept.name, name)?;
        Journal::new(&self.store, &self.kept, name)
    }

    /// Opens the session's state document.
    ///
    /// # Errors
    /// None today.
    pub fn state(&self) -> Result<Document, Error> {
        self.document(&self.store.options.state_name)
    }

    /// Opens another document of the session.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name with a path in it, or one that this library uses
    /// itself with files.
    pub fn document(&self, name: &str) -> Result<Document, Error> {
        engine::check_file("open", &self.kept.name, name)?;
        Ok(Document::new(&self.kept, name))
    }

    /// Begins a transaction on the session's files: journal, state and other documents
    /// change together or not at all. Nothing is locked before the commit.
    ///
    /// # Errors
    /// None today.
    pub fn transaction(&self) -> Result<Transaction, Error> {
        Ok(Transaction::new(&self.kept, None))
    }

    /// Returns the session's owner; `None` if the session has none.
    ///
    /// # Errors
    /// Those of the database.
    pub fn holder(&self) -> Result<Option<Holder>, Error> {
        let kept = &self.kept;
        let sql = format!("select owner from {}.holder($1::text)", kept.link.schema);
        let rows = kept
            .link
            .read("holder", &kept.name, &sql, &[Param::Text(Some(&kept.key))])?;
        let owner = rows.into_iter().next();
        Ok(owner
            .and_then(|row| Columns::of(row).text())
            .map(|text| owner::of_text(&text)))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("key", &self.kept.key)
            .finish_non_exhaustive()
    }
}
