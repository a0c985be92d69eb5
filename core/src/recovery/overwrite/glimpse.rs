//! What readers see that take no lock: the value from before, until the write
//! in place is done.

use std::io;
use std::path::Path;

use super::content::Content;
use super::record::PendingOverwrite;
use super::state::{State, judge};
use crate::lockfile::{self, Generation, IDLE};
use crate::oslock::scheme::redo_path;
use crate::sys::{Access, File, InTheWay};

/// What `P.redo` said at one moment.
///
/// Two that are the same, one from before a reading of `P` and one from after
/// it, say that no write in place began or ended meanwhile.
pub(crate) struct Glimpse {
    redo: Option<File>,
    head: [u8; IDLE as usize],
    recorded: Option<Generation>,
    pending: Option<PendingOverwrite>,
}

impl Glimpse {
    pub fn take(target: &Path) -> io::Result<Glimpse> {
        let mut glimpse = Glimpse {
            redo: None,
            head: [0; IDLE as usize],
            recorded: None,
            pending: None,
        };
        let redo = match File::open_beside(&redo_path(target), Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(glimpse),
            // Whatever it is, it is not ours.
            Err(error) if InTheWay::of(&error).is_some() => return Ok(glimpse),
            // One that can't be read is an error: it may say that `P` is half
            // written.
            result => result?,
        };
        if !redo.may_be_believed(target)? {
            return Ok(glimpse);
        }
        redo.read_full_at(&mut glimpse.head, 0)?;
        glimpse.recorded = lockfile::read_generation(&redo)?;
        if redo.size()? > IDLE
            && let Some(pending) = PendingOverwrite::read(&redo)?
            // An append changes nothing that was there.
            && pending.mark.is_some()
        {
            glimpse.pending = Some(pending);
        }
        glimpse.redo = Some(redo);
        Ok(glimpse)
    }

    /// Whether all is as it was then.
    pub fn holds(&self, target: &Path) -> io::Result<bool> {
        let now = Glimpse::take(target)?;
        Ok(now.head == self.head && now.pending == self.pending)
    }

    /// What is under way, and the file with its bytes; `None` if nothing is, or
    /// if `P` was not touched by it yet.
    pub fn under_way(&self) -> io::Result<Option<(&File, &PendingOverwrite)>> {
        match (&self.redo, &self.pending) {
            (Some(redo), Some(pending)) if pending.is_whole(redo)? => Ok(Some((redo, pending))),
            _ => Ok(None),
        }
    }

    pub fn redo(&self) -> Option<&File> {
        self.redo.as_ref()
    }

    /// What it said of the generation.
    pub fn recorded(&self) -> Option<Generation> {
        self.recorded
    }

    /// Whether the same write in place is under way as then, or still none.
    pub fn same_change(&self, other: &Glimpse) -> bool {
        self.pending == other.pending
    }
}

/// The bytes of a document that is saved in place; `None` if it is not there.
/// `read` reads `P` as it is.
pub(crate) fn read_document(
    target: &Path,
    read: impl Fn() -> io::Result<Option<Vec<u8>>>,
) -> io::Result<Option<Vec<u8>>> {
    loop {
        let before = Glimpse::take(target)?;
        let now = read()?;
        let value = match before.under_way()? {
            None => now,
            // The writer is at it, or died: what stays the same is no mixture
            // that only our reading made.
            Some(_) if read()? != now => continue,
            Some((redo, pending)) => match from_before(now.as_deref(), redo, pending) {
                // Cut meanwhile: the writer is done.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
                result => result?.or(now),
            },
        };
        if before.holds(target)? {
            return Ok(value.filter(|bytes| !bytes.is_empty()));
        }
    }
}

/// The whole as it was before, where `P` is not anybody's value.
fn from_before(
    now: Option<&[u8]>,
    redo: &File,
    pending: &PendingOverwrite,
) -> io::Result<Option<Vec<u8>>> {
    let from = usize::try_from(pending.from).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let Some((same, rest)) = now.and_then(|now| now.split_at_checked(from)) else {
        return Ok(None);
    };
    let state = judge(Some(Content::Memory(rest)), redo, pending)?;
    if state == State::Between || state == State::New && pending.back {
        let old = pending.old(redo).to_vec()?;
        return Ok(Some([same, &old].concat()));
    }
    Ok(None)
}
