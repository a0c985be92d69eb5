//! Copies a store of files to the database, and back: byte for byte, with the positions
//! of its journals.
//!
//! Each session is copied under its leases on both sides, so only one that no process
//! owns is. A copy that ends early goes on with the next call: what exists already is
//! compared, and must be the beginning of what is copied. All bytes are compared after
//! they were written.
//!
//! The files that this library keeps next to a program's own are left out: locks,
//! holders, temporaries, and the bytes that a repair cut off (`.torn`).

mod down;
mod up;

use std::path::Path;

use untorn::{Error, ErrorKind, engine};

/// A session that was not copied, and why.
#[derive(Clone, Debug)]
pub struct Skipped {
    /// Its key.
    pub key: String,
    /// Why not: it has an owner (`LOCKED`), or a dead one that must be reconciled first
    /// (`CONFLICT`); the target has another file of the name (`CONFLICT`).
    pub error: Error,
}

/// How much was copied.
#[derive(Clone, Debug, Default)]
pub struct Copied {
    /// Sessions that are complete on both sides now.
    pub sessions: u64,
    /// Their files.
    pub files: u64,
    /// The bytes of those files.
    pub bytes: u64,
    /// How many of these bytes were copied by this call. The others were there already.
    pub copied: u64,
    /// The others.
    pub skipped: Vec<Skipped>,
}

/// The bytes that one statement carries.
const PIECE: usize = 1 << 20;

impl Copied {
    /// Counts a session, or notes why it was not copied. A failure that is not this
    /// session's own ends the copy.
    fn note(&mut self, key: String, result: Result<Copied, Error>) -> Result<(), Error> {
        match result {
            Ok(one) => {
                self.sessions += 1;
                self.files += one.files;
                self.bytes += one.bytes;
                self.copied += one.copied;
            }
            Err(error) if is_own(&error) => self.skipped.push(Skipped { key, error }),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn is_own(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Locked
            | ErrorKind::Conflict
            | ErrorKind::AlreadyExists
            | ErrorKind::LeaseLost
            | ErrorKind::InvalidArgument
    )
}

/// Returns whether a file is a journal, whose positions are kept.
fn is_journal(name: &str, journal: &str) -> bool {
    !name.contains('/') && (name == journal || name.ends_with(".jsonl"))
}

#[cold]
fn conflict(name: &Path, why: &str) -> Error {
    let failure = engine::Failure {
        detail: format!("{why}; it was left as it is"),
        ..Default::default()
    };
    engine::error(ErrorKind::Conflict, "copy", name, failure)
}

#[cold]
fn os_error(name: &Path, error: std::io::Error) -> Error {
    let failure = engine::Failure {
        detail: error.to_string(),
        source: Some(error.into()),
        ..Default::default()
    };
    engine::error(ErrorKind::Io, "copy", name, failure)
}

const DEAD: &str = "the last owner died without a release: reconcile the session first";
const OTHER: &str = "the target has another file of this name";
