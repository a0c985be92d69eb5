//! The journals of a search, in pieces, so that threads share a long journal too.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::journal::Journal;
use crate::journal::Records;
use crate::position::Position;
use crate::session::StoreOptions;
use crate::sys::{Access, File};

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

pub(super) struct Plan<'a> {
    options: &'a StoreOptions,
    sessions: std::vec::IntoIter<(String, PathBuf)>,
    ready: VecDeque<Piece>,
    next: u64,
}

impl<'a> Plan<'a> {
    pub fn new(options: &'a StoreOptions, sessions: Vec<(String, PathBuf)>) -> Plan<'a> {
        Plan {
            options,
            sessions: sessions.into_iter(),
            ready: VecDeque::new(),
            next: 0,
        }
    }

    /// Returns the next piece; `None` after the last one.
    pub fn next(&mut self) -> Result<Option<Piece>> {
        while self.ready.is_empty() {
            let Some((key, path)) = self.sessions.next() else {
                return Ok(None);
            };
            self.split(&key, path)?;
        }
        Ok(self.ready.pop_front())
    }

    fn split(&mut self, key: &str, path: PathBuf) -> Result<()> {
        let options = self.options.journal.clone();
        let journal = match options.open(path.join(&self.options.journal_name)) {
            // The session was removed meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            journal => Arc::new(journal?),
        };
        let mut cuts = cuts(&journal)?.into_iter().peekable();
        let mut from = None;
        let key: Arc<str> = key.into();
        loop {
            let until = cuts.next();
            self.ready.push_back(Piece {
                number: self.next,
                key: Arc::clone(&key),
                journal: Arc::clone(&journal),
                from,
                until,
            });
            self.next += 1;
            if until.is_none() {
                return Ok(());
            }
            from = until;
        }
    }
}

/// Returns the cuts of a long journal, at the starts of lines.
fn cuts(journal: &Journal) -> Result<Vec<Position>> {
    let os_error = |error| Error::os("search", journal.path(), error);
    let file = match File::open(journal.path(), Access::Read) {
        // The reading of the piece will report the failure.
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
