//! How a document is opened.

use std::path::Path;

use super::Document;
use super::option_fields::DocumentOptions;
use crate::error::Result;
use crate::oslock::{Home, Scheme};

impl DocumentOptions {
    /// Opens the document in this directory, which does not exist yet. The path
    /// is then already the resolved one.
    pub(crate) fn home(mut self, home: Home) -> DocumentOptions {
        self.home = Some(home);
        self
    }

    pub(crate) fn lock_scheme(&self) -> Scheme {
        self.choice.scheme
    }

    /// Opens the document at `path`. Resolves symbolic links now, dangling ones
    /// too. Removes the temporary files that killed saves of this document have
    /// left.
    ///
    /// # Errors
    /// `NOT_FOUND` if the directory is missing, `INVALID_ARGUMENT` if the path is
    /// not a regular file's.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Document> {
        Document::with_options(path.as_ref(), self)
    }
}
