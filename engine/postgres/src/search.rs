//! Searches a text in the journals of all sessions.

use std::fmt;

use untorn::engine::{Needle, Waiting, Working};
use untorn::{CallOptions, Error, ErrorKind, Hit};

use crate::driver::{Columns, Param};
use crate::link::only;
use crate::store::Store;

/// A search in all journals of a store. See [`Store::search`].
#[derive(Clone)]
pub struct Search {
    store: Store,
    text: String,
    max_hits: usize,
}

/// One search, and how far it is.
struct Work<'a> {
    needle: Needle,
    working: Working<'a>,
    hits: Vec<Hit>,
    done: u64,
    total: u64,
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

    /// Searches as [`Search::run`] does, with a way to cancel, or reports of the progress.
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
        let total = match wait.reports() {
            true => self.bytes()?,
            false => 0,
        };
        let mut work = Work {
            needle,
            working: wait.working(),
            hits: Vec::new(),
            done: 0,
            total,
        };
        for key in self.store.keys()? {
            wait.check("search", &shared.name)?;
            if work.hits.len() >= self.max_hits {
                break;
            }
            let (before, done) = (work.hits.len(), work.done);
            let journal = self.store.session(&key)?.journal()?;
            loop {
                work.hits.truncate(before);
                work.done = done;
                match self.search_in(&journal, &key, &mut work) {
                    // It was rewritten while it was read.
                    Err(error) if error.kind() == ErrorKind::Conflict => {}
                    done => break done?,
                }
            }
        }
        wait.all_done(total);
        Ok(work.hits)
    }

    /// Returns how many bytes the journals have, for reports of the progress.
    fn bytes(&self) -> Result<u64, Error> {
        let shared = &self.store.shared;
        let sql = format!(
            "select coalesce(sum(size), 0)::bigint from {}.files where name = $1::text",
            shared.link.schema
        );
        let params = [Param::Text(Some(&shared.options.journal_name))];
        let rows = shared.link.read("search", &shared.name, &sql, &params)?;
        let total = Columns::of(only("search", &shared.name, rows)?).int();
        Ok(total.unwrap_or(0) as u64)
    }

    fn search_in(
        &self,
        journal: &crate::Journal,
        key: &str,
        work: &mut Work<'_>,
    ) -> Result<(), Error> {
        let before = work.done;
        let mut records = journal.records()?;
        while let Some(record) = records.next_record()? {
            work.done = before + record.end.offset;
            work.working
                .check("search", journal.name(), work.done, work.total)?;
            work.hits.extend(work.needle.find(key, record));
            if work.hits.len() >= self.max_hits {
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
