//! A header put into the file, with what is appended in the same step: both or
//! neither. In place where it fits, which costs the same however long the
//! journal is; else by a new file.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::header;
use super::open::{Data, no_file};
use super::rewrite::{Draft, Old};
use super::shared::Shared;
use super::write::{append, failed, recordable};
use super::writer::{UNKNOWN, Work, Writer, Written};
use super::{HeaderMode, JournalOptions};
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Access, File};
use crate::lock::LockFile;
use crate::lock::record::{self, Generation, Left, Same, StampNote};

/// What our last stamp left: as long as the lock file says the same, nobody
/// else has changed anything there, nor the header.
pub(super) struct Stamped {
    left: Left,
    generation: Generation,
    /// The line in the file, padded, with its newline.
    line: Vec<u8>,
    /// How long the header in it is.
    text: usize,
    /// For the next stamp, so that it need not be allocated again.
    spare: (Vec<u8>, Vec<u8>),
}

/// The line of the header, and what is to be in it.
struct Line<'a> {
    old: Vec<u8>,
    /// How long the header in `old` is.
    text: usize,
    header: &'a [u8],
}

impl Writer {
    /// Whether nothing is pending in a lock file that was not settled.
    pub fn is_settled(&self, lock: LockFile<'_>) -> bool {
        if lock.size <= record::IDLE {
            return true;
        }
        let Some(stamped) = &self.stamped else {
            return false;
        };
        lock.file()
            .and_then(|file| record::is_left(file, &stamped.left))
            .unwrap_or(false)
    }

    /// Puts the header into the file, which is open and whole, and appends the
    /// work.
    #[cold]
    pub fn put_with_header(
        &mut self,
        shared: &Shared,
        lock: LockFile<'_>,
        header: &[u8],
        work: &Work<'_>,
    ) -> Result<Written> {
        let options = &shared.options;
        if self.end == 0 {
            let mut lines = header::pad(header, header::room(options, header));
            lines.extend_from_slice(work.lines);
            return self.put(shared, lock, &lines, work.records + 1);
        }
        let last = self.stamped.take();
        // Longer than idle, and we got here: `is_settled` has compared it.
        let last = last.filter(|_| lock.size > record::IDLE);
        let (known, old, text, spare) = match last {
            Some(last) => (Some(last.generation), last.line, last.text, last.spare),
            None => {
                let line = self.header_line(shared)?;
                let text = header::text(&line).len();
                (None, line, text, Default::default())
            }
        };
        // Where others lock the journal too, what they have written since a
        // stamp that was cut off must be told from it: as in a rewrite.
        let fits = header.len() < old.len()
            && options.header_mode == HeaderMode::Stamp
            && !shared.lock.is_in_place();
        if !fits {
            return self.put_by_rewrite(shared, lock, header, &old, work);
        }
        let line = Line { old, text, header };
        self.stamp(shared, lock, known, line, spare, work)
    }

    fn header_line(&self, shared: &Shared) -> Result<Vec<u8>> {
        let data = self.data.as_ref().ok_or_else(|| no_file(&shared.path))?;
        header::read_line(&data.file, &shared.options)
            .map_err(|error| Error::os("set_header", &shared.path, error))
    }

    /// In place, under a recovery record that holds the old line and the new.
    fn stamp(
        &mut self,
        shared: &Shared,
        lock: LockFile<'_>,
        known: Option<Generation>,
        line: Line<'_>,
        (mut new, mut buffer): (Vec<u8>, Vec<u8>),
        work: &Work<'_>,
    ) -> Result<Written> {
        let Line { old, text, header } = line;
        header::pad_into(header, old.len(), &mut new);
        let path = &shared.path;
        let Some(data) = self.data.clone() else {
            return Err(no_file(path));
        };
        let anywhere = anywhere(shared, &data)?;
        let generation = match known {
            Some(generation) => generation,
            None => data.generation_now(recordable(lock, "set_header")?),
        };
        let end = std::mem::replace(&mut self.end, UNKNOWN);
        let pending = StampNote {
            of: data.identity,
            start: end,
            length: work.lines.len() as u64,
            checksum: crc32c::crc32c(work.lines),
            old: &old[..text],
            new: header,
            line: old.len(),
        };
        pending.encode(generation, &mut buffer);
        note(shared, lock, &data, known.is_some(), &buffer)?;
        if !work.lines.is_empty()
            && let Err((error, undone)) = append(&data, end, work.lines)
        {
            // Where the roll-back failed the next locker does it.
            if undone.is_ok() {
                let _ = clear(lock);
            }
            return Err(failed(path, error, undone.is_ok()));
        }
        if let Err(error) = anywhere.write_all_at(&new, 0) {
            let undone =
                take_back(&data, anywhere, &old, end, work.lines.len()).and_then(|()| clear(lock));
            return Err(failed(path, error, undone.is_ok()));
        }
        let end = end + work.lines.len() as u64;
        data.written.store(end, Ordering::Release);
        let synced = match shared.options.durability {
            // Under the lock, unlike an append: as long as this is not on the
            // medium, what would undo it must stay there.
            Durability::Power => shared.local().sync.sync(shared, &data, end),
            Durability::Process => Ok(()),
        };
        self.end = end;
        if lock.file().and_then(record::clear_stamp).is_ok() {
            self.stamped = Some(Stamped {
                left: record::left_of(&buffer),
                generation,
                line: new,
                text: header.len(),
                spare: (old, buffer),
            });
        }
        synced?;
        Ok(Written {
            data: None,
            generation: data.generation,
            end,
        })
    }

    /// A new file: for a header that does not fit, or where there was none.
    fn put_by_rewrite(
        &mut self,
        shared: &Shared,
        lock: LockFile<'_>,
        header: &[u8],
        old: &[u8],
        work: &Work<'_>,
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
        // Every record is where it was, if the new line is as long as the old.
        let same = if line.len() == old.len() { end } else { 0 };
        let published = draft.publish(shared, lock, Same::Prefix(same), Old::Dropped);
        self.close();
        let end = published?.end;
        Ok(Written {
            data: None,
            generation: end.generation,
            end: end.offset,
        })
    }
}

/// Notes down what begins; for durability `power` on the medium, before the
/// journal is touched.
fn note(
    shared: &Shared,
    lock: LockFile<'_>,
    data: &Data,
    only_the_end: bool,
    record: &[u8],
) -> Result<()> {
    let write = || {
        let file = lock.file()?;
        if only_the_end {
            let idle = record::IDLE;
            file.write_all_at(&record[idle as usize..], idle)?;
        } else {
            file.write_all_at(record, 0)?;
        }
        if shared.options.durability == Durability::Power {
            // The lock file's own name must be there after a power cut, too.
            if !data.name_synced.load(Ordering::Acquire) {
                fs::sync_parent(&shared.path)?;
                data.name_synced.store(true, Ordering::Release);
            }
            file.sync_data()?;
        }
        Ok(())
    };
    write().map_err(|error: io::Error| {
        let _ = clear(lock);
        Error::os("set_header", lock.path(), error)
            .hint("a header stamp is noted here first; nothing was changed")
    })
}

/// Nothing is pending, in one way or the other.
fn clear(lock: LockFile<'_>) -> io::Result<()> {
    let file = lock.file()?;
    record::clear_pending(file).or_else(|_| record::clear_stamp(file))
}

/// The header as it was, and what was appended off again.
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

/// The journal, to write anywhere in it.
fn anywhere<'a>(shared: &Shared, data: &'a Arc<Data>) -> Result<&'a File> {
    if let Some(file) = data.anywhere.get() {
        return Ok(file);
    }
    let told = |error| Error::os("set_header", &shared.path, error);
    let file = File::open(&shared.path, Access::Write).map_err(told)?;
    if file.id().map_err(told)? != data.identity.id {
        return Err(Error::new(
            ErrorKind::Conflict,
            "set_header",
            &shared.path,
            "a program that does not take the lock has replaced the journal just now; nothing was \
             changed",
        ));
    }
    Ok(data.anywhere.get_or_init(|| file))
}

impl JournalOptions {
    /// Whether this journal can have a header.
    pub(super) fn has_headers(&self) -> bool {
        self.header_prefix.is_some()
    }
}
