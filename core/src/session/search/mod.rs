//! Searches a text in the journals of all sessions.
//!
//! ```text
//! needle.rs  the text that is searched for: a filter at memory speed, then a comparison
//! text.rs    the text of a record; fold.rs: upper and lower case
//! plan.rs    the journals, in pieces that threads share
//! ```

mod fold;
mod needle;
mod plan;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Store, directory};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Format, Record};
use crate::lock::Call;
use crate::oslock::Patience;
use crate::position::Position;
use crate::sys;
use needle::Needle;
use plan::{Piece, Plan};
use text::{LONGEST, Text};

/// How many characters of the record a snippet shows before a match, and after
/// it.
const AROUND: usize = 60;
/// How often the caller's runtime is asked whether it was interrupted.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// How often the search begins again because a journal was replaced by another.
const TRIES: u32 = 5;

/// A search in all journals of a store. See [`Store::search`].
#[derive(Clone)]
pub struct Search {
    store: Store,
    text: String,
    max_hits: usize,
    threads: usize,
}

/// A record in which the text was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The session.
    pub key: String,
    /// The position of the record: [`crate::Journal::records_from`] this position
    /// yields it first.
    pub position: Position,
    /// The text around the match, with escapes decoded: up to 60 characters
    /// before and after it.
    pub snippet: String,
    /// The match in the snippet, in bytes: its first byte, and the one after its
    /// last. Both are boundaries of characters.
    pub range: (usize, usize),
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
        self.run_with(&Call::new())
    }

    /// Searches as [`Search::run`] does, with a way to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn run_with(&self, call: &Call<'_>) -> Result<Vec<Hit>> {
        let patience = call.begin(None);
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
            let found = self.search_once(&needle, json, &patience);
            tries += 1;
            match found {
                // A journal was rewritten after its piece was planned and before
                // it was read.
                Err(error) if error.kind() == ErrorKind::Conflict && tries < TRIES => {}
                done => return done,
            }
        }
    }

    fn search_once(
        &self,
        needle: &Needle,
        json: bool,
        patience: &Patience<'_>,
    ) -> Result<Vec<Hit>> {
        let mut sessions = directory::sessions("search", &self.store.shared, patience)?;
        sessions.sort_unstable();
        let shared = Shared {
            path: self.store.path(),
            needle,
            json,
            max_hits: self.max_hits,
            plan: Mutex::new(Plan::new(&self.store.shared.options, sessions)),
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
                    helper.0.work(&Patience {
                        interrupt: None,
                        ..*patience
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
            shared.work(patience);
            shared.wait(patience);
        });
        let found = shared
            .found
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        match found.error {
            Some(error) => Err(error),
            None => Ok(found.hits.into_values().collect()),
        }
    }
}

/// The state that the threads of one search share.
struct Shared<'a> {
    path: &'a std::path::Path,
    needle: &'a Needle,
    json: bool,
    max_hits: usize,
    plan: Mutex<Plan<'a>>,
    found: Mutex<Found>,
    /// No piece after this one can have a hit that counts.
    last: AtomicU64,
    stop: AtomicBool,
    /// How many other threads are at work.
    helpers: Mutex<usize>,
    helped: Condvar,
}

/// Another thread that is at work.
struct Helper<'a, 'b>(&'a Shared<'b>);

impl Drop for Helper<'_, '_> {
    fn drop(&mut self) {
        *lock(&self.0.helpers) -= 1;
        self.0.helped.notify_one();
    }
}

/// The reasons to end before the end of a piece.
enum Ended {
    /// Later hits do not count.
    Over,
    Cancelled,
}

#[derive(Default)]
struct Found {
    /// By piece and number within it; never more than `max_hits`.
    hits: BTreeMap<(u64, usize), Hit>,
    error: Option<Error>,
}

impl<'b> Shared<'b> {
    fn helper(&self) -> Helper<'_, 'b> {
        *lock(&self.helpers) += 1;
        Helper(self)
    }

    fn work(&self, patience: &Patience<'_>) {
        loop {
            let piece = lock(&self.plan).next();
            let done = piece.and_then(|piece| match piece {
                Some(piece) if !self.is_over(piece.number) => {
                    let hits = self.search(&piece, patience)?;
                    self.keep(piece.number, hits);
                    Ok(true)
                }
                _ => Ok(false),
            });
            match done {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return self.fail(error),
            }
        }
    }

    fn is_over(&self, piece: u64) -> bool {
        piece > self.last.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed)
    }

    /// Waits for the other threads. Only the caller's thread can learn of an
    /// interrupt.
    fn wait(&self, patience: &Patience<'_>) {
        let mut helpers = lock(&self.helpers);
        while *helpers > 0 {
            helpers = self
                .helped
                .wait_timeout(helpers, ASK_EVERY)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            if *helpers > 0
                && let Some(interrupt) = patience.interrupt
            {
                // Not under the mutex, since this may run the caller's own code.
                drop(helpers);
                if interrupt() {
                    self.fail(Error::cancelled("search", self.path));
                }
                helpers = lock(&self.helpers);
            }
        }
    }

    fn fail(&self, error: Error) {
        self.stop.store(true, Ordering::Relaxed);
        lock(&self.found).error.get_or_insert(error);
    }

    fn search(&self, piece: &Piece, patience: &Patience<'_>) -> Result<Vec<Hit>> {
        let mut hits = Vec::new();
        let mut asking = patience.asking();
        let mut step = || {
            if self.is_over(piece.number) {
                return Err(Ended::Over);
            }
            if asking.is_ended() {
                return Err(Ended::Cancelled);
            }
            Ok(())
        };
        match self.search_in(piece, &mut hits, &mut step)? {
            Ok(()) | Err(Ended::Over) => Ok(hits),
            Err(Ended::Cancelled) => Err(Error::cancelled("search", piece.journal.path())),
        }
    }

    /// Searches one piece. Calls `step` now and then, also within a long record.
    fn search_in(
        &self,
        piece: &Piece,
        hits: &mut Vec<Hit>,
        step: &mut impl FnMut() -> std::result::Result<(), Ended>,
    ) -> Result<std::result::Result<(), Ended>> {
        let mut records = piece.records()?;
        let mut seen = 0_usize;
        while let Some(record) = records.next_record()? {
            if !piece.has(record.start) {
                break;
            }
            match self.needle.find(record.bytes, step) {
                Ok(None) => {}
                Ok(Some(place)) => hits.push(self.hit(&piece.key, record, place)),
                Err(ended) => return Ok(Err(ended)),
            }
            if hits.len() == self.max_hits {
                break;
            }
            seen += 64 + record.bytes.len();
            if seen >= 1 << 18 {
                seen = 0;
                if let Err(ended) = step() {
                    return Ok(Err(ended));
                }
            }
        }
        Ok(Ok(()))
    }

    #[cold]
    fn hit(&self, key: &str, record: Record<'_>, (start, end): (usize, usize)) -> Hit {
        let bytes = record.bytes;
        // One character more, since half a surrogate pair may be the first.
        let from = start.saturating_sub((AROUND + 1) * LONGEST);
        let before: Vec<char> = Text::from(bytes, from, self.json)
            .take_while(|letter| letter.start < start)
            .map(|letter| letter.letter)
            .collect();
        let mut snippet: String = before[before.len().saturating_sub(AROUND)..]
            .iter()
            .collect();
        let first = snippet.len();
        let mut last = first;
        let mut behind = 0;
        for letter in Text::from(bytes, start, self.json).skip_while(|letter| letter.start < start)
        {
            if letter.start >= end {
                if behind == AROUND {
                    break;
                }
                behind += 1;
            }
            snippet.push(letter.letter);
            if letter.start < end {
                last = snippet.len();
            }
        }
        Hit {
            key: key.to_owned(),
            position: record.start,
            snippet,
            range: (first, last),
        }
    }

    fn keep(&self, piece: u64, hits: Vec<Hit>) {
        let mut found = lock(&self.found);
        for (n, hit) in hits.into_iter().enumerate() {
            found.hits.insert((piece, n), hit);
        }
        while found.hits.len() > self.max_hits {
            found.hits.pop_last();
        }
        if found.hits.len() == self.max_hits
            && let Some(((last, _), _)) = found.hits.last_key_value()
        {
            self.last.store(*last, Ordering::Relaxed);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
