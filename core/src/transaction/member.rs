//! A file that takes part in a transaction, and its staged change.

use std::path::{Path, PathBuf};

use crate::document::load;
use crate::error::Result;
use crate::oslock::WaitPolicy;
use crate::oslock::{PathLock, RawGuard};
use crate::recovery::transaction::member_lock;
use crate::sys;

pub(super) struct Member {
    pub path: PathBuf,
    lock: PathLock,
    /// Held from the first look at the file, or else from the commit on.
    pub held: Option<RawGuard>,
    pub staged: Staged,
}

/// The staged change. It stays in memory: nothing is written before the commit.
pub(super) enum Staged {
    /// No change.
    Unchanged,
    /// The file gets these bytes; with `fresh` it must be missing before.
    Whole { bytes: Vec<u8>, fresh: bool },
    /// The journal gets these lines more.
    Lines(Vec<u8>),
    /// The file is removed.
    Gone,
}

impl Member {
    pub fn new(dir: &Path, name: &str) -> Member {
        let path = dir.join(name);
        Member {
            lock: member_lock(&path),
            path,
            held: None,
            staged: Staged::Unchanged,
        }
    }

    pub fn lock(&mut self, operation: &'static str, wait: &WaitPolicy<'_>) -> Result<&RawGuard> {
        match self.held.take() {
            Some(held) => Ok(self.held.insert(held)),
            None => Ok(self.held.insert(self.lock.acquire(operation, false, wait)?)),
        }
    }

    /// Returns whether the name still means the lock file that the lock is on.
    pub fn has_its_lock(&self) -> Result<bool> {
        match &self.held {
            Some(held) => self.lock.names("commit", held),
            None => Ok(false),
        }
    }

    /// Returns the bytes that the file has after the transaction; `None` if it is
    /// missing then.
    pub fn value(&self, operation: &'static str) -> Result<Option<Vec<u8>>> {
        Ok(match &self.staged {
            Staged::Unchanged => load::bytes_of(&self.path, operation)?,
            Staged::Whole { bytes, .. } => Some(bytes.clone()),
            Staged::Lines(lines) => {
                let old = load::bytes_of(&self.path, operation)?;
                Some(joined(old.unwrap_or_default(), lines))
            }
            Staged::Gone => None,
        })
    }

    /// Returns whether the file exists after the transaction.
    pub fn exists(&self, operation: &'static str) -> Result<bool> {
        match &self.staged {
            Staged::Unchanged => sys::stat(&self.path)
                .map(|stat| stat.is_some())
                .map_err(|error| crate::error::Error::os(operation, &self.path, error)),
            Staged::Whole { .. } | Staged::Lines(_) => Ok(true),
            Staged::Gone => Ok(false),
        }
    }

    pub fn save(&mut self, bytes: &[u8]) {
        let fresh = matches!(self.staged, Staged::Whole { fresh: true, .. });
        let bytes = bytes.to_vec();
        self.staged = Staged::Whole { bytes, fresh };
    }

    /// Stages a creation. The file is missing, as the transaction sees it.
    pub fn create(&mut self, bytes: &[u8]) {
        let fresh = !matches!(self.staged, Staged::Gone);
        let bytes = bytes.to_vec();
        self.staged = Staged::Whole { bytes, fresh };
    }

    pub fn append(&mut self, more: &[u8]) {
        if more.is_empty() {
            return;
        }
        match &mut self.staged {
            Staged::Lines(lines) => lines.extend_from_slice(more),
            Staged::Unchanged => self.staged = Staged::Lines(more.to_vec()),
            Staged::Whole { bytes, .. } => {
                *bytes = joined(std::mem::take(bytes), more);
            }
            Staged::Gone => {
                self.staged = Staged::Whole {
                    bytes: more.to_vec(),
                    fresh: false,
                }
            }
        }
    }

    pub fn remove(&mut self) {
        self.staged = match self.staged {
            Staged::Whole { fresh: true, .. } => Staged::Unchanged,
            _ => Staged::Gone,
        };
    }
}

/// Joins bytes and lines. A line never continues an unfinished one.
fn joined(mut bytes: Vec<u8>, lines: &[u8]) -> Vec<u8> {
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(lines);
    bytes
}
