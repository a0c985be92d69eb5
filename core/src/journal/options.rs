//! Sets and checks the options of a journal.

use std::path::Path;

use crate::error::{Error, Result};
use crate::oslock::{Home, Scheme};

pub use super::option_fields::JournalOptions;
pub use super::words::{Format, HeaderMode};

impl JournalOptions {
    /// Opens the journal in this directory, which does not exist yet. The path is the
    /// one that it will have.
    pub(crate) fn home(mut self, home: Home) -> JournalOptions {
        self.home = Some(home);
        self
    }

    pub(crate) fn lock_scheme(&self) -> Scheme {
        self.choice.scheme
    }

    pub(crate) fn scheme_of(&self) -> Scheme {
        self.choice.scheme
    }

    /// Refuses invalid options before anything is touched.
    pub(crate) fn check(&self, path: &Path) -> Result<()> {
        let refuse = |detail: &str| Err(Error::invalid_argument("open", path, detail));
        if let Some(prefix) = &self.header_prefix {
            if prefix.is_empty() || memchr::memchr2(b'\n', 0, prefix).is_some() {
                return refuse("header_prefix is empty, or holds a newline or a NUL");
            }
            if matches!(prefix[0], b' ' | b'\t' | b'\r') {
                return refuse("header_prefix begins with white space");
            }
        }
        if self.sealed && self.format != Format::Json {
            return refuse("a seal is white space after a JSON value, so sealed needs format json");
        }
        if self.header_reserve > 1 << 30 {
            return refuse("header_reserve is more than 1 GiB");
        }
        Ok(())
    }
}
