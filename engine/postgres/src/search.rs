//! Searches a text in the journals of all sessions.

use std::fmt;

use untorn::engine::{Needle, Waiting};
use untorn::{CallOptions, Error, ErrorKind, Hit};

use crate::store::Store;

/// A search in all journals of a store. See [`Store::search`].
#[derive(Clone)]
pub struct Search {
    store: Store,
    text: String,
    max_hits: usize,
}

impl Store {
    /// Prepares a search of a text in the journals of all sessions, in any case. It finds
    /// what [`untorn::Store::search`] finds.
    ///
    /// Each journal comes over the connection until enough hits are found. For a large
    /// store, ask the view `lines` with SQL.
    #[must_use]
    pub fn search(&self, text: impl Into<String>) -> Search {
        Search {
            store: self.clone(),
            text: text.into(),
            max_hits: 100,
        }
    }
}

impl Search {
    /// Sets the largest number of hits. The first ones are returned, in the order of
    /// keys and within a journal of records. Default: 100.
    #[must_use]
    pub fn max_hits(mut self, n: usize) -> Search {
        self.max_hits = n;
        self
    }

    /// Searches.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty text; those of the database.
    pub fn run(&self) -> Result<Vec<Hit>, Error> {
        self.run_with(&CallOptions::new())
    }

    /// Searches as [`Search::run`] does, with a way to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn run_with(&self, call: &CallOptions<'_>) -> Result<Vec<Hit>, Error> {
        let shared = &self.store.shared;
        let wait = Waiting::begin("search", &shared.name, call, None)?;
        let Some(needle) = Needle::new(&self.text, shared.options.json) else {
            let why = "the text to search for is empty";
            return Err(Error::invalid_argument("search", &shared.name, why));
        };
        let mut hits = Vec::new();
        for key in self.store.keys()? {
            if hits.len() >= self.max_hits {
                break;
            }
            let before = hits.len();
            let journal = self.store.session(&key)?.journal()?;
            loop {
                hits.truncate(before);
                match self.search_in(&journal, &key, &needle, &wait, &mut hits) {
                    // It was rewritten while it was read.
                    Err(error) if error.kind() == ErrorKind::Conflict => {}
                    done => break done?,
                }
            }
        }
        Ok(hits)
    }

    fn search_in(
        &self,
        journal: &crate::Journal,
        key: &str,
        needle: &Needle,
        wait: &Waiting<'_>,
        hits: &mut Vec<Hit>,
    ) -> Result<(), Error> {
        let mut records = journal.records()?;
        while let Some(record) = records.next_record()? {
            wait.check("search", journal.name())?;
            hits.extend(needle.find(key, record));
            if hits.len() >= self.max_hits {
                break;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search")
            .field("store", &self.store)
            .field("text", &self.text)
            .finish_non_exhaustive()
    }
}
