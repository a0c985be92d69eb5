//! A file that a transaction has to do with, and what is to become of it.

use std::path::{Path, PathBuf};

use crate::document::load;
use crate::error::Result;
use crate::oslock::Patience;
use crate::oslock::{Held, PathLock};
use crate::recovery::transaction::member_lock;
use crate::sys;

pub(super) struct Member {
    pub path: PathBuf,
    lock: PathLock,
    /// From the first look at the file, or else from the commit on.
    pub held: Option<Held>,
    pub staged: Staged,
}

/// What is to become of it. In memory: nothing is written before the commit.
pub(super) enum Staged {
    /// What it is.
    Unchanged,
    /// These bytes; `fresh`: it must not be there.
    Whole { bytes: Vec<u8>, fresh: bool },
    /// These lines more.
    Lines(Vec<u8>),
    /// Nothing.
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

    pub fn lock(&mut self, operation: &'static str, patience: &Patience<'_>) -> Result<&Held> {
        match self.held.take() {
            Some(held) => Ok(self.held.insert(held)),
            None => Ok(self
                .held
                .insert(self.lock.acquire(operation, false, patience)?)),
        }
    }

    /// Whether the file that its lock is on has its name still.
    pub fn has_its_lock(&self) -> Result<bool> {
        match &self.held {
            Some(held) => self.lock.names("commit", held),
            None => Ok(false),
        }
    }

    /// What the file is as the transaction leaves it; `None`: not there.
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

    /// Whether it is there as the transaction leaves it.
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

    /// It is not there, as the transaction sees it.
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

/// A line never continues another.
fn joined(mut bytes: Vec<u8>, lines: &[u8]) -> Vec<u8> {
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(lines);
    bytes
}
