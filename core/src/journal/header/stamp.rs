//! Puts a header into the file, with the records of the same step: both or neither. A
//! header that fits is written in place, at the same cost for any length of journal.
//! Another header needs a new file.

use std::io;
use std::sync::Arc;

use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::append::{PendingWrite, UNKNOWN, Writer, Written};
use crate::journal::append::{failed, recordable};
use crate::journal::data::{Data, no_file};
use crate::journal::header;
use crate::journal::options::{HeaderMode, JournalOptions};
use crate::journal::rewrite::{Draft, Old};
use crate::journal::shared::Shared;
use crate::journal::syncs::Epoch;
use crate::lockfile::{self, Same};
use crate::oslock::LockFile;
use crate::recovery::{self, StampNote};
use crate::sys::{self, Access, File, Lasting};

impl Writer {
    /// Puts the header into the file, which is open and whole, and appends the work.
    #[cold]
    pub fn put_with_header(
        &mut self,
        shared: &Shared,
        lock: LockFile<'_>,
        header: &[u8],
        work: &PendingWrite<'_>,
    ) -> Result<Written> {
        let options = &shared.options;
        if self.end == 0 {
            let mut lines = header::pad(header, header::room(options, header));
            lines.extend_from_slice(work.lines);
            return self.put(shared, lock, &lines, work.records + 1);
        }
        let old = self.header_line(shared)?;
        // If other programs lock the journal too, they may write after a stamp was cut
        // off. Only a rewrite distinguishes their bytes from the stamp's.
        let fits = header.len() < old.len()
            && options.header_mode == HeaderMode::Stamp
            && !shared.lock.is_in_place();
        if !fits {
            return self.put_by_rewrite(shared, lock, header, &old, work);
        }
        self.stamp(shared, lock, &old, header, work)
    }

    fn header_line(&self, shared: &Shared) -> Result<Vec<u8>> {
        let data = self.data.as_ref().ok_or_else(|| no_file(&shared.path))?;
        header::read_line(&data.file, &shared.options)
            .map_err(|error| Error::os("set_header", &shared.path, error))
    }

    /// Writes the header in place, under a recovery record that holds the old line and
    /// the new.
    fn stamp(
        &mut self,
        shared: &Shared,
        lock: LockFile<'_>,
        old: &[u8],
        header: &[u8],
        work: &PendingWrite<'_>,
    ) -> Result<Written> {
        let path = &shared.path;
        let Some(data) = self.data.clone() else {
            return Err(no_file(path));
        };
        let anywhere = anywhere(shared, &data)?;
        let generation = data.generation_now(recordable(lock, "set_header")?);
        let durable = shared.options.durability == Durability::Power;
        if durable && self.durable_header.take().is_none_or(|line| line != old) {
            // Without this sync a power cut could leave part of a third line, from
            // before `old`. The recovery record names only two.
            Epoch::now(&data)
                .sync(shared)
                .map_err(|why| why.before(shared, "set_header", "the journal is as it was"))?;
        }
        let new = header::pad(header, old.len());
        let end = std::mem::replace(&mut self.end, UNKNOWN);
        let pending = StampNote {
            of: data.identity,
            start: end,
            lines: work.lines,
            old: header::text(old),
            new: header,
            line: old.len(),
        };
        self.note(shared, lock, &pending.encode(generation))?;
        if !work.lines.is_empty()
            && let Err((error, undone)) = data.append(end, work.lines)
        {
            // After a failed roll-back the next locker rolls back. So it does if the note
            // stays.
            if undone.is_ok() {
                let _ = forget(shared, lock, &data);
            }
            return Err(failed(path, error, undone.is_ok()));
        }
        if let Err(error) = anywhere.write_all_at(&new, 0) {
            let undone = take_back(&data, anywhere, old, end, work.lines.len())
                .and_then(|()| forget(shared, lock, &data));
            return Err(failed(path, error, undone.is_ok()));
        }
        let end = end + work.lines.len() as u64;
        self.end = end;
        if durable {
            // Under the lock, unlike an append. The record that would undo this must
            // stay until the header is durable. It also stays if this sync fails.
            Epoch::now(&data)
                .sync(shared)
                .map_err(|why| why.after(shared, "set_header", "the header is in the file"))?;
            self.durable_header = Some(new);
        }
        // If this fails, the next locker finds that the stamp is complete.
        let _ = lock.file().and_then(lockfile::clear_stamp);
        Ok(Written {
            epoch: None,
            generation: data.generation,
            end,
        })
    }

    /// Notes what begins, before the journal is touched. With durability `power` the
    /// note is synced.
    fn note(&mut self, shared: &Shared, lock: LockFile<'_>, record: &[u8]) -> Result<()> {
        let mut write = || {
            let file = lock.file()?;
            // The note holds both headers. The journal may since have fewer read
            // permissions than when the lock file was made.
            file.narrow_reading(&shared.path);
            if shared.options.durability == Durability::Process {
                return file.write_all_at(record, 0);
            }
            // The lock file's own name must survive a power cut too.
            let this = Some(file.id()?);
            if self.lock_named != this {
                sys::sync_parent(&shared.path)?;
                self.lock_named = this;
            }
            file.write_all_at(record, 0)?;
            file.sync_data()
        };
        write().map_err(|error: io::Error| {
            let hint = match clear(lock) {
                Ok(()) => "a header stamp is noted here first; nothing was changed",
                Err(_) => {
                    "a header stamp is noted here first, and the note could not be taken back; the \
                     next append may finish it"
                }
            };
            Error::os("set_header", lock.path(), error).hint(hint)
        })
    }

    /// Writes a new file, for a header that does not fit, or for a journal without one.
    fn put_by_rewrite(
        &mut self,
        shared: &Shared,
        lock: LockFile<'_>,
        header: &[u8],
        old: &[u8],
        work: &PendingWrite<'_>,
    ) -> Result<Written> {
        let mut draft = Draft::begin(shared, self, lock, "set_header")?;
        let line = if header.len() < old.len() {
            header::pad(header, old.len())
        } else {
            header::pad(header, header::room(&shared.options, header))
        };
        let Some((data, end)) = draft.old.clone() else {
            return Err(no_file(&shared.path));
        };
        let written = draft
            .write(shared, &line)
            .and_then(|()| draft.copy(shared, &data.file, old.len() as u64, end))
            .and_then(|()| draft.write(shared, work.lines));
        if let Err(error) = written {
            draft.discard(lock);
            return Err(error);
        }
        // Every record keeps its place if the new line is as long as the old.
        let same = if line.len() == old.len() { end } else { 0 };
        let published = draft.publish(shared, lock, Same::Prefix(same), Old::Dropped);
        self.close();
        let end = published?.end;
        Ok(Written {
            epoch: None,
            generation: end.generation,
            end: end.offset,
        })
    }
}

/// Notes that nothing is pending any more, once the journal is as it was.
fn forget(shared: &Shared, lock: LockFile<'_>, data: &Arc<Data>) -> io::Result<()> {
    if shared.options.durability == Durability::Power {
        // Else a power cut could leave a part of what was written, and no note of it.
        Epoch::now(data)
            .sync(shared)
            .map_err(|_| io::Error::from(io::ErrorKind::Other))?;
    }
    clear(lock)
}

/// Notes that nothing is pending any more, on the disk too. If a power cut brought the
/// note back, the next locker would finish what was refused.
fn clear(lock: LockFile<'_>) -> io::Result<()> {
    let file = lock.file()?;
    recovery::clear_pending(file)?;
    file.sync_data()
}

/// Restores the old header, and cuts off what was appended.
fn take_back(data: &Data, anywhere: &File, old: &[u8], end: u64, length: usize) -> io::Result<()> {
    anywhere.write_all_at(old, 0)?;
    if length == 0 {
        return Ok(());
    }
    // A program that ignores the lock may have appended meanwhile.
    if data.file.size()? != end + length as u64 {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    data.file.set_len(end)
}

/// Opens the journal for writes at any place in it.
fn anywhere<'a>(shared: &Shared, data: &'a Arc<Data>) -> Result<&'a File> {
    let os_error = |error| Error::os("set_header", &shared.path, error);
    if let Some(file) = data.anywhere.get() {
        return Ok(file);
    }
    let file = File::open(&shared.path, Access::Write).map_err(os_error)?;
    if file.id().map_err(os_error)? != data.identity.id {
        return Err(Error::new(
            ErrorKind::Conflict,
            "set_header",
            &shared.path,
            "a program that does not take the lock has replaced the journal just now; nothing was \
             changed",
        ));
    }
    let file = Lasting::of(file).map_err(os_error)?;
    Ok(data.anywhere.get_or_init(|| file))
}

impl JournalOptions {
    /// Returns whether this journal can have a header.
    pub(crate) fn has_headers(&self) -> bool {
        self.header_prefix.is_some()
    }
}
