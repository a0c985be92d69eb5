//! The journals of a search, in pieces, so that threads share a long journal too.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::needle::Needle;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::Journal;
use crate::journal::{Foreign, Records};
use crate::oslock::Scheme;
use crate::position::Position;
use crate::session::StoreOptions;
use crate::sys::{self, Access, File};

/// The bytes of a piece: enough that its beginning costs nothing, few enough that
/// the threads end at the same time.
const PIECE: u64 = 4 << 20;

/// A journal, or a part of one.
pub(super) struct Piece {
    /// In the order of keys, and within a journal of records.
    pub number: u64,
    pub key: Arc<str>,
    pub journal: Arc<Journal>,
    /// `None`: from the journal's beginning.
    from: Option<Position>,
    /// The first record after this piece.
    until: Option<Position>,
}

impl Piece {
    pub fn records(&self) -> Result<Records> {
        let records = match self.from {
            None => self.journal.records(),
            Some(from) => self.journal.records_from(from),
        };
        match records {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(gone(&self.journal)),
            records => records,
        }
    }

    /// Returns where it begins in the journal's file.
    pub fn start(&self) -> u64 {
        self.from.map_or(0, |from| from.offset)
    }

    pub fn has(&self, start: Position) -> bool {
        self.until.is_none_or(|until| start < until)
    }
}

/// Reports that the session was removed while it was searched. The search begins
/// again.
#[cold]
fn gone(journal: &Journal) -> Error {
    Error::new(
        ErrorKind::Conflict,
        "search",
        journal.path(),
        "the session was removed while it was searched",
    )
}

/// The journal of a session that no thread has looked at yet.
pub(super) struct Unread {
    /// The number of its first piece.
    pub number: u64,
    key: String,
    path: PathBuf,
}

/// The part that a thread searches next.
pub(super) enum Next {
    Unread(Unread),
    Piece(Piece),
}

pub(super) struct Plan<'a> {
    store: &'a Path,
    sessions: std::vec::IntoIter<(String, String)>,
    /// Pieces of long journals, which no thread has begun.
    ready: VecDeque<Piece>,
    next: u64,
}

/// The most pieces of a journal, of 4 MB each.
const PIECES: u64 = 1 << 24;

impl<'a> Plan<'a> {
    /// `sessions`: their keys, and the names of their directories.
    pub fn new(store: &'a Path, sessions: Vec<(String, String)>) -> Plan<'a> {
        Plan {
            store,
            sessions: sessions.into_iter(),
            ready: VecDeque::new(),
            next: 0,
        }
    }

    /// Returns what is next; `None` at the end.
    pub fn next(&mut self, journal_name: &str) -> Option<Next> {
        if let Some(piece) = self.ready.pop_front() {
            return Some(Next::Piece(piece));
        }
        let (key, name) = self.sessions.next()?;
        let number = self.next;
        self.next += PIECES;
        let path = self.store.join(name).join(journal_name);
        Some(Next::Unread(Unread { number, key, path }))
    }

    /// Leaves these pieces to any thread.
    pub fn add(&mut self, pieces: impl Iterator<Item = Piece>) {
        self.ready.extend(pieces);
    }
}

impl Unread {
    /// Reads a short journal, and returns its size if the needle can't be in it. Most
    /// journals of a large store are such: to open each as a journal takes much longer.
    /// For `None`, and after every error, the journal must be opened.
    pub fn without(
        &self,
        needle: &Needle,
        options: &StoreOptions,
        buffer: &mut [u8],
    ) -> Option<u64> {
        // In place, the file may hold a part of a change, and `P.redo` the old bytes.
        if options.journal.scheme_of() == Scheme::InPlace {
            return None;
        }
        let file = File::open(&self.path, Access::Read).ok()?;
        let n = file.read_full_at(buffer, 0).ok()?;
        let bytes = &buffer[..n];
        let is_short = n < buffer.len();
        // Every record is a part of the file.
        (is_short && !needle.may_be_in(bytes) && Foreign::is_accepted(&options.journal, bytes))
            .then_some(n as u64)
    }

    /// Opens the journal, and returns its pieces.
    pub fn split(self, options: &StoreOptions) -> Result<Vec<Piece>> {
        let journal = match options.journal.clone().open(self.path) {
            // The session was removed meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            journal => Arc::new(journal?),
        };
        let cuts = cuts(&journal)?;
        let key: Arc<str> = self.key.into();
        let starts = std::iter::once(None).chain(cuts.iter().copied().map(Some));
        let ends = cuts.iter().copied().map(Some).chain([None]);
        let pieces = (self.number..).zip(starts.zip(ends));
        Ok(pieces
            .map(|(number, (from, until))| Piece {
                number,
                key: Arc::clone(&key),
                journal: Arc::clone(&journal),
                from,
                until,
            })
            .collect())
    }
}

/// Returns the cuts of a long journal, at the starts of lines.
fn cuts(journal: &Journal) -> Result<Vec<Position>> {
    let os_error = |error| Error::os("search", journal.path(), error);
    match sys::stat(journal.path()) {
        Ok(Some(stat)) if stat.size >= 2 * PIECE => {}
        // Short; or the reading of the piece will report the failure.
        _ => return Ok(Vec::new()),
    }
    let file = match File::open(journal.path(), Access::Read) {
        Err(_) => return Ok(Vec::new()),
        Ok(file) => file,
    };
    let size = file.size().map_err(os_error)?;
    if size < 2 * PIECE {
        return Ok(Vec::new());
    }
    let generation = journal.end()?.generation;
    let mut cuts = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    let mut at = PIECE;
    while at + PIECE <= size {
        let n = file.read_full_at(&mut buffer, at).map_err(os_error)?;
        match memchr::memchr(b'\n', &buffer[..n]) {
            Some(place) => {
                let offset = at + place as u64 + 1;
                cuts.push(Position { generation, offset });
                at = offset + PIECE;
            }
            None if n < buffer.len() => break,
            None => at += n as u64,
        }
    }
    Ok(cuts)
}
