//! The view of readers that take no lock: the old value, until the write in
//! place is done.

use std::io;
use std::path::Path;

use super::content::Content;
use super::record::PendingOverwrite;
use super::state::{State, classify};
use crate::lockfile::{self, Generation, IDLE};
use crate::oslock::scheme::redo_path;
use crate::sys::{self, Access, File, InTheWay};

/// The record in `P.redo` at one moment.
///
/// A reader takes one before it reads `P` and one after. If both are the same,
/// no write in place began or ended meanwhile.
pub(crate) struct RedoSnapshot {
    redo: Option<File>,
    head: [u8; IDLE as usize],
    recorded: Option<Generation>,
    pending: Option<PendingOverwrite>,
}

impl RedoSnapshot {
    pub fn take(target: &Path) -> io::Result<RedoSnapshot> {
        let mut snapshot = RedoSnapshot {
            redo: None,
            head: [0; IDLE as usize],
            recorded: None,
            pending: None,
        };
        let redo = match File::open_beside(&redo_path(target), Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(snapshot),
            // Any other file type there is not ours.
            Err(error) if InTheWay::of(&error).is_some() => return Ok(snapshot),
            // A file that can't be read is an error: it may say that `P` is
            // half written.
            result => result?,
        };
        if !redo.may_be_believed(target)? {
            return Ok(snapshot);
        }
        redo.read_full_at(&mut snapshot.head, 0)?;
        snapshot.recorded = lockfile::read_generation(&redo)?;
        if redo.size()? > IDLE
            && let Some(pending) = PendingOverwrite::read(&redo)?
            // An append changes no byte that was there.
            && pending.mark.is_some()
        {
            snapshot.pending = Some(pending);
        }
        snapshot.redo = Some(redo);
        Ok(snapshot)
    }

    /// Returns whether nothing has changed since.
    pub fn holds(&self, target: &Path) -> io::Result<bool> {
        let now = RedoSnapshot::take(target)?;
        Ok(now.head == self.head && now.pending == self.pending)
    }

    /// Returns the change that is under way, and the file with its bytes.
    /// Returns `None` if none is, or if it has not touched `P` yet.
    pub fn under_way(&self) -> io::Result<Option<(&File, &PendingOverwrite)>> {
        match (&self.redo, &self.pending) {
            (Some(redo), Some(pending)) if pending.is_whole(redo)? => Ok(Some((redo, pending))),
            _ => Ok(None),
        }
    }

    pub fn redo(&self) -> Option<&File> {
        self.redo.as_ref()
    }

    /// Returns the generation that it recorded.
    pub fn recorded(&self) -> Option<Generation> {
        self.recorded
    }

    /// Returns whether the same write in place is under way as then, or still
    /// none.
    pub fn same_change(&self, other: &RedoSnapshot) -> bool {
        self.pending == other.pending
    }
}

/// The finding of a reader that can't read `P.redo`.
enum Idle {
    /// No write in place was under way.
    Whole(Option<Vec<u8>>),
    /// One began or ended meanwhile.
    Changed,
    /// One is under way, or its writer died.
    Pending,
}

/// Reads `P` beside a `P.redo` that shows only its length. It follows the rights of
/// `P` with the next write in place; these may be wider since the last.
fn read_while_idle(
    target: &Path,
    read: impl Fn() -> io::Result<Option<Vec<u8>>>,
) -> io::Result<Idle> {
    let path = redo_path(target);
    let is_idle =
        || -> io::Result<bool> { Ok(sys::stat(&path)?.is_none_or(|redo| redo.size <= IDLE)) };
    if !is_idle()? {
        return Ok(Idle::Pending);
    }
    let value = read()?;
    // A write that this read has met was over before the next.
    let same = is_idle()? && read()? == value && is_idle()?;
    Ok(match same {
        true => Idle::Whole(value),
        false => Idle::Changed,
    })
}

/// Returns the bytes of a document that is saved in place; `None` if it is
/// missing. `read` reads `P` as it is.
pub(crate) fn read_document(
    target: &Path,
    read: impl Fn() -> io::Result<Option<Vec<u8>>>,
) -> io::Result<Option<Vec<u8>>> {
    loop {
        let before = match RedoSnapshot::take(target) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                match read_while_idle(target, &read)? {
                    Idle::Whole(value) => return Ok(value.filter(|bytes| !bytes.is_empty())),
                    Idle::Changed => continue,
                    Idle::Pending => return Err(error),
                }
            }
            taken => taken?,
        };
        let now = read()?;
        let value = match before.under_way()? {
            None => now,
            // The writer is at work, or died. Content that stays the same is
            // not a mixture that only this read made.
            Some(_) if read()? != now => continue,
            Some((redo, pending)) => match from_before(now.as_deref(), redo, pending) {
                // It was cut meanwhile: the writer is done.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
                result => result?.or(now),
            },
        };
        if before.holds(target)? {
            return Ok(value.filter(|bytes| !bytes.is_empty()));
        }
    }
}

/// Returns the whole old value if `P` holds no program's value.
fn from_before(
    now: Option<&[u8]>,
    redo: &File,
    pending: &PendingOverwrite,
) -> io::Result<Option<Vec<u8>>> {
    let from = usize::try_from(pending.from).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let Some((same, rest)) = now.and_then(|now| now.split_at_checked(from)) else {
        return Ok(None);
    };
    let state = classify(Some(Content::Memory(rest)), redo, pending)?;
    if state == State::Between || state == State::New && pending.back {
        let old = pending.old(redo).to_vec()?;
        return Ok(Some([same, &old].concat()));
    }
    Ok(None)
}
