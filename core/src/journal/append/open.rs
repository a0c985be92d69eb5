//! Opens the file that the path means now, and makes it whole up to its end.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use super::writer::{UNKNOWN, Writer, mend, sync_cut};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::data::{Data, Handle, no_file};
use crate::journal::read::Foreign;
use crate::journal::shared::Shared;
use crate::journal::syncs::Syncs;
use crate::journal::{one_name, repair};
use crate::lockfile::{self, Generation, Identity};
use crate::oslock::{LockFile, LockedData};
use crate::rotated;
use crate::sys::{self, Access, File, Lasting, Stat};

/// Holds what an open found out about the file.
pub(crate) struct Opened {
    /// Whether the file existed before, so that this open did not make it.
    pub existed: bool,
    pub size: u64,
}

/// How often the open is tried again when the name changes between the look and the
/// open. A dangling symbolic link looks so each time.
const MEANWHILE: u32 = 100;
const OUT_OF_STEP: std::time::Duration = std::time::Duration::from_micros(20);

impl Writer {
    /// Returns the file that the path means now, whole, and where it ends. `None`: the
    /// file is missing, and this handle may make it.
    pub fn current(
        &mut self,
        shared: &Shared,
        operation: &'static str,
        lock: LockFile<'_>,
    ) -> Result<Option<(Arc<Data>, u64)>> {
        let path = &shared.path;
        let stat = sys::look(path).map_err(|error| Error::os(operation, path, error))?;
        if stat.is_none() {
            if shared.options.create {
                return Ok(None);
            }
            return Err(missing(path, operation));
        }
        let opened = self.open(shared, operation, lock, stat)?;
        self.whole(shared, operation, opened.size)?;
        let data = self.data.as_ref().ok_or_else(|| no_file(path))?;
        Ok(Some((Arc::clone(data), self.end)))
    }

    /// Opens the file that the path means now, or returns `None` if it is missing.
    pub fn open_for_sync(&mut self, path: &Path) -> Result<Option<Arc<Data>>> {
        let os_error = |error| Error::os("sync", path, error);
        let Some(stat) = sys::stat(path).map_err(os_error)? else {
            return Ok(None);
        };
        if let Some(data) = &self.data
            && data.identity.id == stat.id
            && data.is_itself().map_err(os_error)?
        {
            return Ok(Some(Arc::clone(data)));
        }
        // Not kept: only an append, under the lock, may learn a generation.
        let file = File::open(path, Access::Append).map_err(os_error)?;
        let identity = Identity::of(&file).map_err(os_error)?;
        Ok(Some(Arc::new(Data {
            file: Handle::ByItself(Lasting::of(file).map_err(os_error)?),
            identity,
            generation: 0,
            syncs: Syncs::default(),
            name_synced: AtomicBool::new(false),
            anywhere: OnceLock::new(),
        })))
    }

    pub fn close(&mut self) {
        self.data = None;
        self.end = UNKNOWN;
        self.durable_header = None;
        self.cut = false;
        self.checked = false;
    }

    /// Returns whether the writer has the file open. The program may have closed the
    /// descriptor without our knowledge.
    #[inline]
    pub fn is_open(&mut self) -> bool {
        let data = self.data.as_ref();
        self.seen_open = data.is_some_and(|data| matches!(data.is_itself(), Ok(true)));
        self.seen_open
    }

    /// Makes sure that `data` is the file that the path means now.
    #[inline]
    pub fn open(
        &mut self,
        shared: &Shared,
        operation: &'static str,
        lock: LockFile<'_>,
        stat: Option<Stat>,
    ) -> Result<Opened> {
        let seen_open = std::mem::take(&mut self.seen_open);
        if let Some(stat) = &stat
            && stat.may_have_other_names()
            && lock.data().is_none()
        {
            one_name::check(&shared.path, operation, stat)?;
        }
        if let (Some(stat), Some(data)) = (&stat, &self.data)
            && stat.id == data.identity.id
            && is_as_it_was(data, operation, lock)?
            && (seen_open
                || data
                    .is_itself()
                    .map_err(|error| Error::os(operation, &shared.path, error))?)
        {
            self.ends_at(stat.size);
            return Ok(Opened {
                existed: true,
                size: stat.size,
            });
        }
        self.reopen(shared, operation, lock, stat)
    }

    /// Opens the file that the path means now, which is another than before. It is new,
    /// or the old one was deleted, replaced or rotated.
    #[cold]
    fn reopen(
        &mut self,
        shared: &Shared,
        operation: &'static str,
        lock: LockFile<'_>,
        mut stat: Option<Stat>,
    ) -> Result<Opened> {
        self.close();
        let Shared { path, options, .. } = shared;
        let os_error = |error| Error::os(operation, path, error);
        let recorded = lock
            .generation()
            .map_err(|error| Error::os(operation, lock.path(), error))?;
        let mut carried_over = None;
        let mut tries = 0..MEANWHILE;
        let (file, seen) = loop {
            if stat.is_some_and(|stat| !stat.is_file && !stat.is_link) {
                return Err(Error::invalid_argument(
                    operation,
                    path,
                    "not a regular file",
                ));
            }
            if let Some(data) = locked_data(path, operation, lock)? {
                break (Handle::Locked(data), None);
            }
            let file = if stat.is_some() {
                lockfile::open(path, Access::Append).map(|opened| {
                    carried_over = opened.carried_over(recorded);
                    (opened.file, Some((opened.identity, opened.stat)))
                })
            } else if options.create {
                File::create_new(path, Access::Append, options.mode).map(|file| (file, None))
            } else {
                return Err(missing(path, operation));
            };
            match file {
                Ok((file, seen)) => {
                    let file = Lasting::of(file).map_err(os_error)?;
                    break (Handle::ByItself(file), seen);
                }
                // Another program has made or removed it since the look.
                Err(error) if is_another_now(&error) => {
                    match tries.next() {
                        None => return Err(os_error(error)),
                        // A loop in step with that program would always come too late.
                        Some(n) if n > MEANWHILE / 5 => std::thread::sleep(OUT_OF_STEP),
                        Some(_) => {}
                    }
                    stat = sys::look(path).map_err(os_error)?;
                }
                Err(error) => return Err(os_error(error)),
            }
        };
        // The size seen before the open may be another file's.
        let seen = seen.map_or_else(|| Identity::and_stat(&file), Ok);
        let (identity, Stat { links, size, .. }) = seen.map_err(os_error)?;
        if stat.is_some() && size > 0 {
            Foreign::refuse(&file, size, options, operation, path)?;
        }
        if links > 1 {
            // Best effort: the next rotation tries again.
            let _ = rotated::drop_second_name(path, identity);
        }
        let generation = carried_over
            .filter(|generation| lock.record_generation(*generation))
            .unwrap_or_else(|| Generation::of(identity, recorded));
        self.data = Some(Arc::new(Data {
            file,
            identity,
            generation: generation.number,
            syncs: Syncs::default(),
            name_synced: AtomicBool::new(false),
            anywhere: OnceLock::new(),
        }));
        Ok(Opened {
            existed: stat.is_some(),
            size,
        })
    }

    /// Makes sure that the file ends where a record ends, and sets `end` to that place.
    /// A torn tail that a crash left is repaired first.
    #[inline]
    pub fn whole(&mut self, shared: &Shared, operation: &'static str, size: u64) -> Result<()> {
        if self.end == UNKNOWN {
            let Shared { path, options, .. } = shared;
            let os_error = |error| Error::os(operation, path, error);
            let data = self.data.as_ref().ok_or_else(|| no_file(path))?;
            if self.cut {
                sync_cut(shared, data)?;
                self.cut = false;
            }
            // Usually another process has appended since, and the file is whole. A
            // sealed journal is checked thoroughly once, since a power cut may have hit
            // it.
            let quickly = !options.sealed || self.checked;
            let whole = quickly && repair::is_whole(&data.file, size, options).map_err(os_error)?;
            self.checked = true;
            self.end = if whole {
                size
            } else {
                mend(shared, data)?;
                data.file.size().map_err(os_error)?
            };
        }
        Ok(())
    }
}

fn is_another_now(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists
    )
}

/// Returns whether the open file still has its generation. A rewrite in place raises the
/// generation. Any other gives the journal another inode.
#[inline]
fn is_as_it_was(data: &Data, operation: &'static str, lock: LockFile<'_>) -> Result<bool> {
    let Handle::Locked(_) = &data.file else {
        return Ok(true);
    };
    let recorded = lock
        .generation()
        .map_err(|error| Error::os(operation, lock.path(), error))?;
    Ok(Generation::of(data.identity, recorded).number == data.generation)
}

/// Returns the journal by the descriptor of its lock, where the lock is on the journal.
fn locked_data(
    path: &Path,
    operation: &'static str,
    lock: LockFile<'_>,
) -> Result<Option<LockedData>> {
    if lock.data().is_some() && !lock.may_write_data() {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            operation,
            path,
            "the journal can be read, but not written",
        ));
    }
    Ok(lock.keep_data())
}

#[cold]
fn missing(path: &Path, operation: &'static str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        operation,
        path,
        "the journal does not exist, and this handle must not create it",
    )
}
