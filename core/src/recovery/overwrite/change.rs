//! The write in place.

use std::io;
use std::path::Path;

use super::content::Content;
use super::record::{PAYLOAD, PendingOverwrite, boot};
use crate::clock;
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::lockfile::{self, Before, Generation, IDLE, Identity, Same};
use crate::oslock::LockFile;
use crate::recovery::block;
use crate::sys::{self, File};

/// The change: all of `P`, from `from` on.
pub(crate) struct Change<'a> {
    pub from: u64,
    pub old: Content<'a>,
    pub new: Content<'a>,
    /// Says what becomes of a position from before.
    pub same: Same,
    /// The highest number of a rotated file, if it has changed.
    pub rotated: Option<u32>,
}

/// Changes `target`, which carries its own lock, held exclusively. After an
/// error `target` is as before, except for `NOT_DURABLE`, and unless the error
/// says otherwise.
pub(crate) fn overwrite(
    operation: &'static str,
    target: &Path,
    lock: LockFile<'_>,
    change: &Change<'_>,
    durability: Durability,
) -> Result<Generation> {
    let os_error = |error| Error::os(operation, target, error);
    let data = writable(operation, target, lock)?;
    let untouched = |error| {
        Error::os(operation, lock.path(), error).hint(
            "the old and the new bytes are kept there while the file is changed; nothing was \
             changed",
        )
    };
    lock.check_ours(operation)?;
    // The rights of `P` may have changed since the file was made.
    let redo = lock.private_file().map_err(untouched)?;
    let prepared = prepare(data, redo, change, false).and_then(|pending| {
        if durability == Durability::Power {
            redo.sync_data()?;
            lock.sync_names(target)?;
        }
        Ok(pending)
    });
    let (pending, generation) = prepared.map_err(|error| {
        let _ = block::clear_pending(redo);
        untouched(error)
    })?;
    if let Err(error) = write(data, &pending, change.new, change.old.len()) {
        // The caller gets the report that nothing changed. So the next process
        // that finds the record must take the change back too.
        let _ = note_way_back(redo, pending);
        // The write does not read from `change.old`, which may be the file
        // itself.
        let undone = write(data, &pending, pending.old(redo), u64::MAX);
        if undone.is_ok() {
            let _ = block::clear_pending(redo);
        }
        return Err(os_error(error).hint(if undone.is_ok() {
            "it is as it was"
        } else {
            "it could not be taken back; the next process that locks it with this library does \
             that first"
        }));
    }
    if durability == Durability::Power {
        data.sync_data().map_err(|error| {
            // The content of P.redo stays: it is durable, and settled later.
            os_error(error)
                .with_kind(ErrorKind::NotDurable)
                .hint("the change is in place, but a power cut may undo it")
        })?;
    }
    // If this fails, the next locker sees that all is done.
    let _ = block::clear_pending(redo);
    Ok(generation)
}

/// Returns the data, through the descriptor that holds the lock.
fn writable<'a>(operation: &'static str, target: &Path, lock: LockFile<'a>) -> Result<&'a File> {
    match lock.data() {
        Some(data) if lock.may_write_data() => Ok(data),
        Some(_) => Err(Error::new(
            ErrorKind::PermissionDenied,
            operation,
            target,
            "the file can be read, but not written; nothing was changed",
        )),
        None => Err(Error::internal(operation, target, "its lock is elsewhere")),
    }
}

/// Records that `lines` are about to be appended: all of them, or none after a
/// process dies.
pub(crate) fn note_append(
    lock: LockFile<'_>,
    data: &File,
    end: u64,
    lines: &[u8],
) -> io::Result<PendingOverwrite> {
    let redo = lock.private_file()?;
    let change = Change {
        from: end,
        old: Content::Memory(&[]),
        new: Content::Memory(lines),
        same: Same::Prefix(end),
        rotated: None,
    };
    let pending = prepare(data, redo, &change, true);
    if pending.is_err() {
        let _ = block::clear_pending(redo);
    }
    pending.map(|(pending, _)| pending)
}

/// Records that the change goes back. From now on each process that finds this
/// in `P.redo` takes it back.
pub(crate) fn note_way_back(redo: &File, pending: PendingOverwrite) -> io::Result<()> {
    let back = PendingOverwrite {
        back: true,
        ..pending
    };
    back.write_again(redo)
}

/// Writes `P.redo`: the bytes first, then the record that says they are there.
fn prepare(
    data: &File,
    redo: &File,
    change: &Change<'_>,
    append: bool,
) -> io::Result<(PendingOverwrite, Generation)> {
    let mut checksum = 0;
    let mut at = PAYLOAD;
    for content in [change.old, change.new] {
        content.each(|piece, offset| {
            checksum = crc32c::crc32c_append(checksum, piece);
            redo.write_all_at(piece, at + offset)
        })?;
        at += content.len();
    }
    let recorded = lockfile::read_generation(redo)?;
    let now = Generation::of(Identity::of(data)?, recorded);
    let pending = PendingOverwrite {
        from: change.from,
        old: change.old.len(),
        new: change.new.len(),
        checksum,
        boot: boot(),
        before: now.number,
        mark: if append {
            None
        } else {
            Some(mark(change.old.first()?, change.new.first()?))
        },
        back: false,
    };
    let next = if append {
        now
    } else {
        Generation {
            // The number exceeds all earlier ones, even if P.redo was deleted
            // and the count started again.
            number: clock::microseconds().max(now.number + 1),
            before: Some(Before {
                generation: now.number,
                same: change.same,
            }),
            rotated: change.rotated.unwrap_or(now.rotated),
            ..now
        }
    };
    pending.write(redo, next)?;
    Ok((pending, next))
}

/// Returns a byte that neither begins with. No text begins with any of these.
fn mark(old: Option<u8>, new: Option<u8>) -> u8 {
    [0, 0xff, 0xfe]
        .into_iter()
        .find(|mark| Some(*mark) != old && Some(*mark) != new)
        .unwrap_or(0)
}

/// Makes `content` all of `data` from `from` on. The stretch may be up to
/// `longest` bytes long.
fn write(
    data: &File,
    pending: &PendingOverwrite,
    content: Content<'_>,
    longest: u64,
) -> io::Result<()> {
    let from = pending.from;
    let Some(mark) = pending.mark else {
        content.each(|piece, at| data.overwrite_at(piece, from + at))?;
        return data.set_len(from + content.len());
    };
    if let Some(first) = content.first()? {
        data.overwrite_at(&[mark], from)?;
        content
            .behind(1)
            .each(|piece, at| data.overwrite_at(piece, from + 1 + at))?;
        if content.len() < longest {
            data.set_len(from + content.len())?;
        }
        return data.overwrite_at(&[first], from);
    }
    data.set_len(from)
}

/// Writes the new bytes once more, after a crash.
pub(crate) fn roll_forward(data: &File, redo: &File, pending: &PendingOverwrite) -> io::Result<()> {
    write(data, pending, pending.new_bytes(redo), u64::MAX)?;
    data.sync_data()
}

/// Writes the new bytes over themselves, so `P` holds them at every instant. After a
/// failed sync the system believes that its pages are clean, and a sync alone would not
/// write them.
pub(crate) fn write_again(data: &File, redo: &File, pending: &PendingOverwrite) -> io::Result<()> {
    let new = pending.new_bytes(redo);
    new.each(|piece, at| data.overwrite_at(piece, pending.from + at))?;
    data.set_len(pending.from + new.len())?;
    data.sync_data()
}

/// Writes the old bytes again, after a crash.
pub(crate) fn roll_back(data: &File, redo: &File, pending: &PendingOverwrite) -> io::Result<()> {
    write(data, pending, pending.old(redo), u64::MAX)?;
    data.sync_data()
}

impl<'a> LockFile<'a> {
    /// Returns the file, with the rights of `P`: bytes of `P` are written to it
    /// next. Nothing may be pending.
    fn private_file(&self) -> io::Result<&'a File> {
        match self.redo {
            Some(redo) => redo.private_file(IDLE),
            None => self.file(),
        }
    }

    /// Makes the names of `P` and `P.redo` durable, once: another process may
    /// have made them without a sync.
    fn sync_names(&self, target: &Path) -> io::Result<()> {
        match self.redo {
            Some(redo) => redo.sync_names(|| sys::sync_parent(target)),
            None => Ok(()),
        }
    }
}
