//! One search in all journals of a store.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Condvar, Mutex, PoisonError};

use super::hit::Hit;
use super::needle::Needle;
use super::plan::Plan;
use super::work::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::Format;
use crate::lock::CallOptions;
use crate::oslock::WaitPolicy;
use crate::session::directory;
use crate::session::store::Store;
use crate::sys;

/// A search in all journals of a store. See [`Store::search`].
///
/// ```
/// use untorn::Store;
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path())?;
/// let hits = store.search("hello").max_hits(10).run()?;
/// assert!(hits.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Search {
    store: Store,
    text: String,
    max_hits: usize,
    threads: usize,
}

impl Store {
    /// Prepares a search of a text in the journals of all sessions, in any case.
    ///
    /// ```
    /// use untorn::Store;
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path())?;
    /// let session = store.session("chat:42")?;
    /// session.journal()?.append(br#"{"text":"Gr\u00fc\u00dfe"}"#)?;
    /// let hits = store.search("GRÜ").max_hits(10).run()?;
    /// assert_eq!(hits[0].key, "chat:42");
    /// assert!(hits[0].snippet.contains("Grüße"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn search(&self, text: impl Into<String>) -> Search {
        let threads = std::thread::available_parallelism();
        Search {
            store: self.clone(),
            text: text.into(),
            max_hits: 100,
            threads: threads.map_or(1, usize::from),
        }
    }
}

impl Search {
    /// Sets the largest number of hits. The first ones are returned, in the order
    /// of keys and within a journal of records. Default: 100.
    #[must_use]
    pub fn max_hits(mut self, n: usize) -> Search {
        self.max_hits = n;
        self
    }

    /// Sets how many threads search. Default: the number of processors.
    #[must_use]
    pub fn threads(mut self, n: usize) -> Search {
        self.threads = n.max(1);
        self
    }

    /// Searches. Takes no lock.
    ///
    /// The search covers the whole record, with names and punctuation. In format
    /// `json` an escape counts as the character that it stands for. Case is
    /// ignored for every character that has another case of one character (`Ä` is
    /// `ä`, `Σ` is `ς`, but `ß` is not `ss`). Nothing else is ignored: accents
    /// count, and so does whether they are a character of their own. A record
    /// yields one hit, its first. Damage is skipped, and rotated files are not
    /// searched.
    ///
    /// It uses some hundred kilobytes of memory for each thread (more for a
    /// longer record), and the hits.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty text; failures of the system, with the
    /// path of the journal that could not be read.
    pub fn run(&self) -> Result<Vec<Hit>> {
        self.run_with(&CallOptions::new())
    }

    /// Searches as [`Search::run`] does, with a way to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn run_with(&self, call: &CallOptions<'_>) -> Result<Vec<Hit>> {
        let wait = call.begin(None);
        let json = self.store.shared.options.journal.format == Format::Json;
        let Some(needle) = Needle::new(&self.text, json) else {
            return Err(Error::invalid_argument(
                "search",
                self.store.path(),
                "the text to search for is empty",
            ));
        };
        let mut tries = 0;
        loop {
            let found = self.search_once(&needle, json, &wait);
            tries += 1;
            match found {
                // A journal was rewritten after its piece was planned and before
                // it was read.
                Err(error) if error.kind() == ErrorKind::Conflict && tries < TRIES => {}
                done => return done,
            }
        }
    }

    fn search_once(&self, needle: &Needle, json: bool, wait: &WaitPolicy<'_>) -> Result<Vec<Hit>> {
        let mut sessions = directory::sessions("search", &self.store.shared, wait)?;
        sessions.sort_unstable();
        let total = match wait.progress {
            Some(_) => size_of(&self.store, &sessions),
            None => 0,
        };
        let shared = Shared {
            total,
            done: AtomicU64::new(0),
            path: self.store.path(),
            needle,
            json,
            max_hits: self.max_hits,
            options: &self.store.shared.options,
            plan: Mutex::new(Plan::new(self.store.path(), sessions)),
            found: Mutex::default(),
            last: AtomicU64::new(if self.max_hits == 0 { 0 } else { u64::MAX }),
            stop: AtomicBool::new(false),
            helpers: Mutex::new(0),
            helped: Condvar::new(),
        };
        std::thread::scope(|threads| {
            for _ in 1..self.threads {
                let helper = shared.helper();
                let work = || {
                    helper.0.work(&WaitPolicy {
                        interrupt: None,
                        progress: None,
                        ..*wait
                    });
                    drop(helper);
                };
                // With every signal blocked, see `background`. The search works
                // without a thread that the system refuses.
                let _ = sys::without_signals(|| {
                    std::thread::Builder::new()
                        .name("untorn-search".to_owned())
                        .spawn_scoped(threads, work)
                });
            }
            shared.work(wait);
            shared.wait(wait);
        });
        let total = shared.total;
        let found = shared
            .found
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        match found.error {
            Some(error) => Err(error),
            None => {
                wait.all_done(total);
                Ok(found.hits.into_values().collect())
            }
        }
    }
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search")
            .field("store", &self.store.path())
            .field("text", &self.text)
            .field("max_hits", &self.max_hits)
            .finish_non_exhaustive()
    }
}

/// Returns how many bytes there are to search, for reports of the progress.
fn size_of(store: &Store, sessions: &[(String, String)]) -> u64 {
    let journal_name = &store.shared.options.journal_name;
    let path = |(_, name): &(String, String)| store.path().join(name).join(journal_name);
    let journals = sessions.iter().map(path);
    journals
        .filter_map(|journal| sys::stat(&journal).ok().flatten())
        .map(|stat| stat.size)
        .sum()
}

/// How often the search begins again because a journal was replaced by another.
const TRIES: u32 = 5;
