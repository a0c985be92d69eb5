//! Writes the new file: a temporary next to the journal. A mark in the lock file names
//! it for the next locker after a crash.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::journal::append::Writer;
use crate::journal::append::recordable;
use crate::journal::data::Data;
use crate::journal::shared::Shared;
use crate::lockfile::{Generation, Same};
use crate::oslock::LockFile;
use crate::recovery::{self, PendingRewrite};
use crate::sys::{self, File};
use crate::temporary::{self, Rights, Temporary};

/// The size of one write, in bytes.
const PIECE: usize = 256 * 1024;

pub(crate) struct Draft {
    pub(crate) operation: &'static str,
    pub(crate) temporary: Temporary,
    /// The journal as it is, and where it ends; `None` if it is missing.
    pub old: Option<(Arc<Data>, u64)>,
    /// The generation in the lock file while the old file is the journal.
    pub(crate) generation: Generation,
    buffer: Vec<u8>,
    written: u64,
}

impl Draft {
    /// Makes the tail whole and begins a new file.
    pub fn begin(
        shared: &Shared,
        writer: &mut Writer,
        lock: LockFile<'_>,
        operation: &'static str,
    ) -> Result<Draft> {
        let path = &shared.path;
        let recorded = recordable(lock, operation)?;
        let old = writer.current(shared, operation, lock)?;
        let generation = match (&old, recorded) {
            (Some((data, _)), recorded) => data.generation_now(recorded),
            (None, Some(recorded)) => recorded,
            // The journal did not exist yet, or no lock file names one.
            (None, None) => Generation::NOBODYS,
        };
        if let Some((data, _)) = &old
            && !shared.lock.is_in_place()
        {
            replaceable(shared, data, operation)?;
        }
        let pending = PendingRewrite {
            by: None,
            number: 0,
            same: Same::Prefix(0),
            rotated: 0,
        };
        // Before the temporary is made, so that the next locker finds the mark and
        // removes the temporary.
        if !shared.lock.is_in_place() {
            note(lock, operation, generation, pending)?;
        }
        // Removes what earlier rewrites left that a power cut ended together with their
        // marks.
        temporary::sweep_again(path);
        let create = || {
            let like = match old {
                Some(_) => sys::metadata(path)?,
                None => None,
            };
            Temporary::create(path, Rights::of(like.as_ref(), shared.options.mode))
        };
        let temporary = create().map_err(|error| {
            clear(lock);
            failed(shared, operation, error)
        })?;
        Ok(Draft {
            operation,
            temporary,
            old,
            generation,
            buffer: Vec::new(),
            written: 0,
        })
    }

    /// Returns the length of the new file so far, in bytes.
    pub fn length(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    pub fn write(&mut self, shared: &Shared, bytes: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.flush(shared)?;
        }
        Ok(())
    }

    /// Copies a stretch of the old file.
    pub fn copy(&mut self, shared: &Shared, from: &File, start: u64, stop: u64) -> Result<()> {
        let operation = self.operation;
        let os_error = |error| failed(shared, operation, error);
        let mut piece = vec![0; PIECE];
        let mut at = start;
        while at < stop {
            let want = usize::try_from(stop - at).map_or(PIECE, |left| left.min(PIECE));
            let n = from
                .read_full_at(&mut piece[..want], at)
                .map_err(os_error)?;
            if n == 0 {
                return Err(os_error(std::io::ErrorKind::UnexpectedEof.into()));
            }
            self.write(shared, &piece[..n])?;
            at += n as u64;
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self, shared: &Shared) -> Result<()> {
        self.temporary
            .file
            .write_all_at(&self.buffer, self.written)
            .map_err(|error| failed(shared, self.operation, error))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Removes the new file and its mark.
    pub fn discard(self, lock: LockFile<'_>) {
        self.temporary.discard();
        clear(lock);
    }
}

/// Notes how far a rewrite is.
pub(crate) fn note(
    lock: LockFile<'_>,
    operation: &'static str,
    generation: Generation,
    pending: PendingRewrite,
) -> Result<()> {
    lock.file()
        .and_then(|file| pending.write(file, generation))
        .map_err(|error| {
            clear(lock);
            Error::os(operation, lock.path(), error)
                .hint("a rewrite is noted here first; the journal is as it was")
        })
}

/// Clears the mark. Best effort: the next locker finds what is left.
fn clear(lock: LockFile<'_>) {
    let _ = lock.file().and_then(recovery::clear_pending);
}

/// Checks that the journal may be replaced. This must come before the journal gets a
/// second name, which could not be removed again.
fn replaceable(shared: &Shared, data: &Data, operation: &'static str) -> Result<()> {
    let dir = shared.path.parent().unwrap_or(&shared.path);
    let may = data.file.may_be_replaced(dir);
    if may.map_err(|error| failed(shared, operation, error))? {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::PermissionDenied,
        operation,
        &shared.path,
        "the journal belongs to another user, and its directory is sticky: only the owner of \
         either can put a new file in its place; the journal is as it was",
    ))
}

#[cold]
pub(crate) fn failed(shared: &Shared, operation: &'static str, error: std::io::Error) -> Error {
    let made = Error::os(operation, &shared.path, error);
    let hint = match made.kind() {
        crate::ErrorKind::PermissionDenied => {
            "the directory must be writable, since the new file is made there and then renamed; \
             the journal is as it was"
        }
        _ => "the journal is as it was",
    };
    made.hint(hint)
}

/// Returns what is at the path now.
pub(crate) fn seen(shared: &Shared, operation: &'static str) -> Result<Option<sys::Stat>> {
    sys::stat(&shared.path).map_err(|error| failed(shared, operation, error))
}
