//! The work of one search, which several threads share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Hit;
use super::needle::Needle;
use super::plan::{Next, Piece, Plan, Unread};
use super::text::{LONGEST, Text};
use crate::error::{Error, Result};
use crate::journal::Record;
use crate::oslock::{Asking, WaitPolicy};
use crate::session::StoreOptions;

/// How often the caller's runtime is asked whether it was interrupted.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// How many characters of the record a snippet shows before a match, and after
/// it.
const AROUND: usize = 60;

/// A shorter journal is read at once, in bytes.
const SHORT: usize = 128 << 10;

/// The state that the threads of one search share.
pub(super) struct Shared<'a> {
    pub(super) path: &'a std::path::Path,
    /// How many bytes there are, if the caller wants to know how far the search is.
    pub(super) total: u64,
    /// How many of them the threads have searched.
    pub(super) done: AtomicU64,
    pub(super) needle: &'a Needle,
    pub(super) json: bool,
    pub(super) max_hits: usize,
    pub(super) options: &'a StoreOptions,
    pub(super) plan: Mutex<Plan<'a>>,
    pub(super) found: Mutex<Found>,
    /// No piece after this one can have a hit that counts.
    pub(super) last: AtomicU64,
    pub(super) stop: AtomicBool,
    /// How many other threads are at work.
    pub(super) helpers: Mutex<usize>,
    pub(super) helped: Condvar,
}

/// Another thread that is at work.
pub(super) struct Helper<'a, 'b>(pub(super) &'a Shared<'b>);

impl Drop for Helper<'_, '_> {
    fn drop(&mut self) {
        *lock(&self.0.helpers) -= 1;
        self.0.helped.notify_one();
    }
}

/// The reasons to end before the end of a piece.
pub(super) enum Ended {
    /// Later hits do not count.
    Over,
    Cancelled,
}

#[derive(Default)]
pub(super) struct Found {
    /// By piece and number within it; never more than `max_hits`.
    pub(super) hits: BTreeMap<(u64, usize), Hit>,
    pub(super) error: Option<Error>,
}

impl<'b> Shared<'b> {
    pub(super) fn helper(&self) -> Helper<'_, 'b> {
        *lock(&self.helpers) += 1;
        Helper(self)
    }

    pub(super) fn work(&self, wait: &WaitPolicy<'_>) {
        // One for all pieces: small journals take less time than it lets pass.
        let mut asking = wait.asking();
        let mut buffer = vec![0; SHORT];
        while !self.stop.load(Ordering::Relaxed) {
            let next = lock(&self.plan).next(&self.options.journal_name);
            let done = match next {
                None => return,
                Some(Next::Piece(piece)) => self.search_piece(&piece, &mut asking),
                Some(Next::Unread(unread)) => self.look_at(unread, &mut buffer, &mut asking),
            };
            if let Err(error) = done {
                self.fail(error);
            }
        }
    }

    /// Searches a journal, or its first piece: other threads may take the rest.
    fn look_at(&self, unread: Unread, buffer: &mut [u8], asking: &mut Asking<'_>) -> Result<()> {
        if self.is_over(unread.number) {
            return Ok(());
        }
        if let Some(size) = unread.without(self.needle, self.options, buffer) {
            let done = self.done.fetch_add(size, Ordering::Relaxed) + size;
            return match asking.is_ended_at(done, self.total) {
                true => Err(Error::cancelled("search", self.path)),
                false => Ok(()),
            };
        }
        let mut pieces = unread.split(self.options)?.into_iter();
        let Some(first) = pieces.next() else {
            return Ok(());
        };
        if pieces.len() > 0 {
            lock(&self.plan).add(pieces);
        }
        self.search_piece(&first, asking)
    }

    fn search_piece(&self, piece: &Piece, asking: &mut Asking<'_>) -> Result<()> {
        if !self.is_over(piece.number) {
            let hits = self.search(piece, asking)?;
            self.keep(piece.number, hits);
        }
        Ok(())
    }

    pub(super) fn is_over(&self, piece: u64) -> bool {
        piece > self.last.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed)
    }

    /// Waits for the other threads. Only the caller's thread can learn of an
    /// interrupt.
    pub(super) fn wait(&self, wait: &WaitPolicy<'_>) {
        let mut helpers = lock(&self.helpers);
        while *helpers > 0 {
            helpers = self
                .helped
                .wait_timeout(helpers, ASK_EVERY)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            if *helpers > 0
                && let Some(interrupt) = wait.interrupt
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

    pub(super) fn fail(&self, error: Error) {
        self.stop.store(true, Ordering::Relaxed);
        lock(&self.found).error.get_or_insert(error);
    }

    fn search(&self, piece: &Piece, asking: &mut Asking<'_>) -> Result<Vec<Hit>> {
        let mut hits = Vec::new();
        let mut step = || {
            if self.is_over(piece.number) {
                return Err(Ended::Over);
            }
            let done = self.done.load(Ordering::Relaxed);
            if asking.is_ended_at(done, self.total) {
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
    pub(super) fn search_in(
        &self,
        piece: &Piece,
        hits: &mut Vec<Hit>,
        step: &mut impl FnMut() -> std::result::Result<(), Ended>,
    ) -> Result<std::result::Result<(), Ended>> {
        let mut records = piece.records()?;
        let mut seen = 0_usize;
        let mut passed = piece.start();
        while let Some(record) = records.next_record()? {
            if !piece.has(record.start) {
                break;
            }
            match self.needle.find(record.bytes, step) {
                Ok(None) => {}
                Ok(Some(place)) => hits.push(hit(&piece.key, record, place, self.json)),
                Err(ended) => return Ok(Err(ended)),
            }
            if hits.len() == self.max_hits {
                break;
            }
            seen += 64 + record.bytes.len();
            if seen >= 1 << 18 {
                seen = 0;
                let end = record.end.offset;
                self.done.fetch_add(end - passed, Ordering::Relaxed);
                passed = end;
                if let Err(ended) = step() {
                    return Ok(Err(ended));
                }
            }
        }
        let rest = records.position().offset.saturating_sub(passed);
        self.done.fetch_add(rest, Ordering::Relaxed);
        Ok(step())
    }

    pub(super) fn keep(&self, piece: u64, hits: Vec<Hit>) {
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

#[cold]
pub(super) fn hit(key: &str, record: Record<'_>, (start, end): (usize, usize), json: bool) -> Hit {
    let bytes = record.bytes;
    // One character more, since half a surrogate pair may be the first.
    let from = start.saturating_sub((AROUND + 1) * LONGEST);
    let before: Vec<char> = Text::from(bytes, from, json)
        .take_while(|letter| letter.start < start)
        .map(|letter| letter.letter)
        .collect();
    let mut snippet: String = before[before.len().saturating_sub(AROUND)..]
        .iter()
        .collect();
    let first = snippet.len();
    let mut last = first;
    let mut behind = 0;
    for letter in Text::from(bytes, start, json).skip_while(|letter| letter.start < start) {
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

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
