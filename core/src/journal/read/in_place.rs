//! Reads a journal that keeps its inode. During a rewrite in place, and after its
//! writer has died, the journal is what it was before.

use std::io;
use std::path::{Path, PathBuf};

use crate::lockfile::{Before, Generation, Identity};
use crate::recovery::PendingOverwrite;
use crate::recovery::overwrite::{Content, RedoSnapshot, State, classify};
use crate::sys::File;

/// Holds what a reader must know of `P.redo`.
pub(crate) struct View {
    path: PathBuf,
    identity: Identity,
    seen: RedoSnapshot,
    pub generation: u64,
    /// The file that the journal was before its last rewrite.
    pub before: Option<Before>,
    /// The highest number of a rotated file.
    pub rotated: u32,
    /// `P.redo` holds the earlier bytes, from this offset on.
    old: Option<PendingOverwrite>,
}

impl View {
    /// Opens a view. Returns `None` if it changed meanwhile: open it again.
    pub fn open(path: &Path, file: &File, identity: Identity) -> io::Result<Option<View>> {
        let seen = RedoSnapshot::take(path)?;
        let recorded = Generation::of(identity, seen.recorded());
        let (mut generation, mut before) = (recorded.number, recorded.before);
        let mut old = None;
        if let Some((redo, pending)) = seen.under_way()? {
            let Some(state) = state(file, redo, pending)? else {
                return Ok(None);
            };
            match state {
                State::New if !pending.back => {}
                State::Foreign => {}
                State::Old | State::New | State::Between => {
                    generation = pending.before;
                    before = None;
                    old = Some(*pending);
                }
            }
        }
        let view = View {
            path: path.to_owned(),
            identity,
            seen,
            generation,
            before,
            rotated: recorded.rotated,
            old,
        };
        Ok(view.holds()?.then_some(view))
    }

    /// Returns whether no rewrite began or ended since the view was opened.
    pub fn holds(&self) -> io::Result<bool> {
        let now = RedoSnapshot::take(&self.path)?;
        let number =
            |snapshot: &RedoSnapshot| Generation::of(self.identity, snapshot.recorded()).number;
        Ok(now.same_change(&self.seen) && number(&now) == number(&self.seen))
    }

    pub fn size(&self, file: &File) -> io::Result<u64> {
        match &self.old {
            Some(pending) => Ok(pending.from.saturating_add(pending.old)),
            None => file.size(),
        }
    }

    /// Reads as if from one file: it fills less than `buffer` only at the end.
    pub fn read_at(&self, file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let (Some(pending), Some(redo)) = (&self.old, self.seen.redo()) else {
            return file.read_at(buffer, at);
        };
        let same = usize::try_from(pending.from.saturating_sub(at))
            .map_or(buffer.len(), |same| same.min(buffer.len()));
        let n = file.read_full_at(&mut buffer[..same], at)?;
        if n < same || same == buffer.len() {
            return Ok(n);
        }
        let at = at.saturating_sub(pending.from);
        match pending.old(redo).read(&mut buffer[same..], at) {
            // The file was cut meanwhile: the writer has finished, and this view is out
            // of date.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(n),
            result => Ok(n + result?),
        }
    }
}

/// Returns the state of the journal, or `None` if it changes meanwhile. Two looks must
/// agree: one alone may see a mixture that never was in the file.
pub(super) fn state(
    file: &File,
    redo: &File,
    pending: &PendingOverwrite,
) -> io::Result<Option<State>> {
    let now = |size: u64| {
        size.checked_sub(pending.from).map(|length| Content::File {
            file,
            start: pending.from,
            length,
        })
    };
    let look = || -> io::Result<(u64, u32)> {
        let size = file.size()?;
        let mut checksum = 0;
        if let Some(now) = now(size) {
            now.each(|piece, _| {
                checksum = crc32c::crc32c_append(checksum, piece);
                Ok(())
            })?;
        }
        Ok((size, checksum))
    };
    let judged = look().and_then(|first| {
        let state = classify(now(first.0), redo, pending)?;
        Ok((look()? == first).then_some(state))
    });
    match judged {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        result => result,
    }
}
