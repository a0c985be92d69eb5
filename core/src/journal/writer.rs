//! One append under the lock: the file that the path means now, whole up to
//! its end, then one write, and back again if that fails.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::repair::{self, Repair};
use super::{JournalOptions, Position, rollback};
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Access, File, Stat};
use crate::lock::LockFile;
use crate::lock::record::{self, Generation, Identity, Pending, PendingAppend};

/// No end that we know: look at the file's tail.
const UNKNOWN: u64 = u64::MAX;

/// A file that the path meant once, open for appending.
pub(super) struct Data {
    pub file: File,
    pub identity: Identity,
    pub generation: u64,
    /// How far it was written by us: what a sync must cover.
    pub written: AtomicU64,
    /// Whether the directory is known to hold its name durably.
    pub name_synced: AtomicBool,
}

/// What is appended in one piece.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    /// Lines, each ended by a newline.
    pub lines: &'a [u8],
    pub records: usize,
    /// Only if the journal ends here.
    pub at: Option<Position>,
}

/// What a handle remembers of its journal between two appends.
pub(super) struct Writer {
    data: Option<Arc<Data>>,
    /// Where the file ended, at a record's end, after our last append.
    end: u64,
    pub buffer: Vec<u8>,
}

/// An append that is in the file.
pub(super) struct Written {
    /// What a sync has to reach; not kept where none follows.
    pub data: Option<Arc<Data>>,
    pub generation: u64,
    pub end: u64,
}

impl Writer {
    pub fn new() -> Writer {
        Writer {
            data: None,
            end: UNKNOWN,
            buffer: Vec::new(),
        }
    }

    /// Appends the work, or leaves the file as it was.
    #[inline]
    pub fn commit(
        &mut self,
        options: &JournalOptions,
        path: &Path,
        lock: LockFile<'_>,
        work: &Work<'_>,
    ) -> Result<Written> {
        let stat = fs::stat(path).map_err(|error| Error::os("append", path, error))?;
        if stat.is_none() && options.create {
            // Before a file is made that nothing is then appended to.
            if let Some(expected) = work.at.filter(|at| *at != Position::NOTHING) {
                return Err(conflict(path, expected, Position::NOTHING));
            }
            if work.lines.is_empty() {
                return Ok(Written {
                    data: None,
                    generation: 0,
                    end: 0,
                });
            }
        }
        let existed = self.open(options, path, lock, stat)?;
        self.whole(options, path, stat.map_or(0, |stat| stat.size))?;
        let end = self.end;
        let Some(data) = &self.data else {
            return Err(no_file(path));
        };
        let written = |end| Written {
            // A shared count that every append would touch twice for nothing.
            data: (options.durability == Durability::Power).then(|| Arc::clone(data)),
            generation: data.generation,
            end,
        };
        if let Some(expected) = work.at {
            let actual = Position {
                generation: data.generation,
                offset: end,
            };
            if expected != actual && (existed || expected != Position::NOTHING) {
                return Err(conflict(path, expected, actual));
            }
        }
        if work.lines.is_empty() {
            return Ok(written(end));
        }
        // Until it is known how it ends.
        self.end = UNKNOWN;
        let result = if work.records > 1 {
            append_many(path, lock, data, end, work.lines)
        } else {
            append(data, end, work.lines)
                .map_err(|(error, undone)| failed(path, error, undone.is_ok()))
        };
        result?;
        let end = end + work.lines.len() as u64;
        self.end = end;
        data.written.store(end, Ordering::Release);
        Ok(written(end))
    }

    /// Repairs the tail, if there is anything to repair.
    pub fn repair(
        &mut self,
        options: &JournalOptions,
        path: &Path,
        lock: LockFile<'_>,
    ) -> Result<Option<Repair>> {
        let stat = fs::stat(path).map_err(|error| Error::os("repair", path, error))?;
        if stat.is_none() {
            return Ok(None);
        }
        self.open(options, path, lock, stat)?;
        let data = self.data.as_ref().ok_or_else(|| no_file(path))?;
        self.end = UNKNOWN;
        repair::tail(&data.file, path, options)
    }

    /// The file that the path means now; `None` if there is none.
    pub fn open_for_sync(&mut self, path: &Path) -> Result<Option<Arc<Data>>> {
        let told = |error| Error::os("sync", path, error);
        let Some(stat) = fs::stat(path).map_err(told)? else {
            return Ok(None);
        };
        if let Some(data) = &self.data
            && data.identity.id == stat.id
        {
            return Ok(Some(Arc::clone(data)));
        }
        // Not kept: only an append, under the lock, may learn a generation.
        let file = File::open(path, Access::Append).map_err(told)?;
        let identity = Identity::of(&file).map_err(told)?;
        Ok(Some(Arc::new(Data {
            file,
            identity,
            generation: 0,
            written: AtomicU64::new(0),
            name_synced: AtomicBool::new(false),
        })))
    }

    pub fn close(&mut self) {
        self.data = None;
        self.end = UNKNOWN;
    }

    /// Sees to it that `data` is the file that the path means now. `false`: it
    /// has just been made.
    #[inline]
    fn open(
        &mut self,
        options: &JournalOptions,
        path: &Path,
        lock: LockFile<'_>,
        stat: Option<Stat>,
    ) -> Result<bool> {
        if let (Some(stat), Some(data)) = (&stat, &self.data)
            && stat.id == data.identity.id
        {
            if stat.size != self.end {
                self.end = UNKNOWN;
            }
            return Ok(true);
        }
        self.reopen(options, path, lock, stat)
    }

    /// The path means another file than it did: it is new, or was deleted,
    /// replaced or rotated.
    #[cold]
    fn reopen(
        &mut self,
        options: &JournalOptions,
        path: &Path,
        lock: LockFile<'_>,
        stat: Option<Stat>,
    ) -> Result<bool> {
        self.close();
        let told = |error| Error::os("append", path, error);
        let existed = stat.is_some();
        if stat.is_some_and(|stat| !stat.is_file) {
            return Err(Error::invalid_argument(
                "append",
                path,
                "not a regular file",
            ));
        }
        let file = if existed {
            File::open(path, Access::Append)
        } else if options.create {
            File::create_new(path, Access::Append, options.mode)
        } else {
            return Err(Error::new(
                ErrorKind::NotFound,
                "append",
                path,
                "the journal is not there, and this handle was not to make it",
            ));
        };
        let file = file.map_err(told)?;
        let identity = Identity::of(&file).map_err(told)?;
        let recorded = if lock.size >= record::IDLE {
            lock.file()
                .and_then(record::read_generation)
                .map_err(|error| Error::os("append", lock.path(), error))?
        } else {
            None
        };
        self.data = Some(Arc::new(Data {
            file,
            identity,
            generation: Generation::of(identity, recorded).number,
            written: AtomicU64::new(0),
            name_synced: AtomicBool::new(false),
        }));
        Ok(existed)
    }

    /// Sees to it that the file ends where a record ends, and that `end` is
    /// there: whatever a crash left behind it is dealt with first.
    #[inline]
    fn whole(&mut self, options: &JournalOptions, path: &Path, size: u64) -> Result<()> {
        if self.end == UNKNOWN {
            let told = |error| Error::os("append", path, error);
            let data = self.data.as_ref().ok_or_else(|| no_file(path))?;
            // Mostly another process has appended since, and all is well.
            self.end = if repair::is_whole(&data.file, size).map_err(told)? {
                size
            } else {
                repair::tail(&data.file, path, options)?;
                data.file.size().map_err(told)?
            };
        }
        Ok(())
    }
}

#[cold]
fn no_file(path: &Path) -> Error {
    Error::internal("append", path, "no file is open")
}

/// Many records: a kill in the middle of the write would leave the first of
/// them, so the lock file holds, for that time, what the next locker needs to
/// undo it.
#[cold]
fn append_many(
    path: &Path,
    lock: LockFile<'_>,
    data: &Arc<Data>,
    end: u64,
    lines: &[u8],
) -> Result<()> {
    let told = |error| {
        Error::os("append", lock.path(), error)
            .hint("an append of many records is noted here first; nothing was appended")
    };
    if !lock.is_writable() {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            "append",
            lock.path(),
            "an append of many records needs this lock file to be writable, to be whole or not at \
             all when a process dies; nothing was appended",
        ));
    }
    let file = lock.file().map_err(told)?;
    if !record::is_ours(file).map_err(told)? {
        return Err(Error::new(
            ErrorKind::Corrupt,
            "append",
            lock.path(),
            "this is not a lock file of untorn, and is not overwritten; nothing was appended",
        ));
    }
    let pending = PendingAppend {
        to: data.identity,
        start: end,
        length: lines.len() as u64,
        checksum: crc32c::crc32c(lines),
    };
    let recorded = record::read_generation(file).map_err(told)?;
    let mut generation = Generation::of(data.identity, recorded);
    if recorded.is_none_or(|recorded| recorded.of != data.identity) {
        // Somebody deleted the lock file: what we told callers must stay true.
        generation.number = data.generation;
    }
    record::write_pending(file, generation, &Pending::Append(pending)).map_err(|error| {
        let _ = record::clear_pending(file);
        told(error)
    })?;
    let result = append(data, end, lines);
    if !matches!(result, Err((_, Err(_)))) {
        // All of it is there, or none. If this fails, the next locker sees
        // that by itself. (Where the roll-back failed it must do it.)
        let _ = record::clear_pending(file);
    }
    result.map_err(|(error, undone)| failed(path, error, undone.is_ok()))
}

/// Writes at the end, in one call if the system takes it all.
#[inline]
fn append(
    data: &Data,
    end: u64,
    lines: &[u8],
) -> std::result::Result<(), (io::Error, io::Result<()>)> {
    match data.file.append(lines) {
        Ok(n) if n == lines.len() => Ok(()),
        Ok(n) => rollback::write_rest(&data.file, end, lines, n),
        // Nothing was written.
        Err(error) => Err((error, Ok(()))),
    }
}

#[cold]
fn failed(path: &Path, error: io::Error, undone: bool) -> Error {
    Error::os("append", path, error).hint(if undone {
        "nothing was appended, and the journal is as it was"
    } else {
        "a part of it could not be taken back; the next append repairs that"
    })
}

#[cold]
fn conflict(path: &Path, expected: Position, actual: Position) -> Error {
    let what = if expected.generation == actual.generation {
        "others have changed it meanwhile"
    } else {
        "it is another file than it was"
    };
    Error::new(
        ErrorKind::Conflict,
        "append",
        path,
        format!(
            "the journal ends at {actual}, not at {expected}: {what}; nothing was appended, so \
             read what is new and try again"
        ),
    )
    .at(actual)
}
