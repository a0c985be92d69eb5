//! How a document is opened.

use std::path::Path;

use super::Document;
use super::option_fields::DocumentOptions;
use crate::error::Result;
use crate::oslock::{Home, Scheme};

impl DocumentOptions {
    /// In this directory, which is not there: the path is what it will be.
    pub(crate) fn home(mut self, home: Home) -> DocumentOptions {
        self.home = Some(home);
        self
    }

    pub(crate) fn lock_scheme(&self) -> Scheme {
        self.choice.scheme
    }

    /// Opens the document at `path`. Symbolic links are resolved now, a
    /// dangling one too. What saves of this document that were killed have left
    /// behind is removed.
    ///
    /// # Errors
    /// `NOT_FOUND` if the directory is missing, `INVALID_ARGUMENT` if the path is
    /// not a regular file's.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Document> {
        Document::with_options(path.as_ref(), self)
    }
}
