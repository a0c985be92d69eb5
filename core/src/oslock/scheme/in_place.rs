//! The in-place scheme: the lock of `P` is an flock on `P` itself, for programs
//! that flock their data file.
//!
//! A lock is on the inode and not on the name (man 2 flock), so `P` keeps its
//! inode. Nothing that is replaced, emptied or removed in this scheme gets
//! another file. Other programs do rename and unlink. So each holder checks
//! that `P` still names the file that it has locked.
//!
//! `P` is data, so `P.redo` holds what a lock file would otherwise hold.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::beside;
use crate::sys::{self, Access, Descriptor, File, FileId, Lasting, PerProcess};

/// The parts that an in-place lock needs in addition to the lock itself.
pub(crate) struct InPlace {
    redo_path: PathBuf,
    redo: PerProcess<Mutex<Option<Arc<Redo>>>>,
    /// Whether to make `P` if it is missing, and with what mode.
    pub create: bool,
    pub mode: Option<u32>,
}

/// The file `P.redo`, opened or made when it is needed.
pub(crate) struct Redo {
    target: PathBuf,
    path: PathBuf,
    /// The identity of `target`.
    of: FileId,
    file: OnceLock<(Lasting, FileId)>,
    /// The record of the file that took that file's place.
    newer: OnceLock<Box<Redo>>,
    /// Whether the directory is known to hold both names durably.
    names_synced: AtomicBool,
}

/// Returns the path of `P.redo`.
pub(crate) fn redo_path(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".redo");
    PathBuf::from(name)
}

impl InPlace {
    pub fn new(target: &Path, create: bool, mode: Option<u32>) -> InPlace {
        InPlace {
            redo_path: redo_path(target),
            redo: PerProcess::new(),
            create,
            mode,
        }
    }

    /// Opens `P` for its lock. The same descriptor also writes `P`. On Windows,
    /// and on SMB since Linux 5.5 (man 2 flock), a lock stops all other
    /// descriptors, even the holder's.
    pub fn open(&self, target: &Path, make: bool) -> io::Result<(Descriptor, bool)> {
        loop {
            match Descriptor::open(target, Access::Append) {
                Ok(file) => return Ok((file, true)),
                Err(error) if error.kind() == io::ErrorKind::NotFound && make => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                    ) =>
                {
                    return Descriptor::open(target, Access::Read).map(|file| (file, false));
                }
                Err(error) => return Err(error),
            }
            match Descriptor::create_new(target, Access::Append, self.mode) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => return result.map(|file| (file, true)),
            }
        }
    }

    /// Keeps `P.redo` open no longer than a lock that is held.
    pub fn close(&self) {
        let mut cached = self
            .redo
            .get(|| Mutex::new(None))
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *cached = None;
    }

    /// Returns `P.redo` with its size, under the lock; `None` if `target` no
    /// longer names the file `id`.
    pub fn look(&self, target: &Path, id: FileId) -> io::Result<Option<(Arc<Redo>, u64)>> {
        if sys::stat(target)?.is_none_or(|stat| stat.id != id) {
            return Ok(None);
        }
        let stat = sys::stat(&self.redo_path)?;
        let mut cached = self
            .redo
            .get(|| Mutex::new(None))
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let same = cached
            .as_ref()
            .filter(|redo| redo.of == id && redo.is(stat.map(|stat| stat.id)));
        let redo = match same {
            Some(redo) => Arc::clone(redo),
            None => Arc::new(Redo::new(target, &self.redo_path, id)),
        };
        *cached = Some(Arc::clone(&redo));
        Ok(Some((redo, stat.map_or(0, |stat| stat.size))))
    }
}

impl Redo {
    fn new(target: &Path, path: &Path, of: FileId) -> Redo {
        Redo {
            target: target.to_owned(),
            path: path.to_owned(),
            of,
            file: OnceLock::new(),
            newer: OnceLock::new(),
            names_synced: AtomicBool::new(false),
        }
    }

    pub fn target(&self) -> &Path {
        &self.target
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether it is still this file. One that is not open yet matches
    /// any.
    fn is(&self, id: Option<FileId>) -> bool {
        if let Some(newer) = self.newer.get() {
            return newer.is(id);
        }
        self.file
            .get()
            .is_none_or(|(file, own)| Some(*own) == id && matches!(file.is_itself(), Ok(true)))
    }

    /// Returns the file. Creates it if it is missing. The caller must hold the
    /// exclusive lock of `P`.
    pub fn file(&self) -> io::Result<&File> {
        if let Some(newer) = self.newer.get() {
            return newer.file();
        }
        if let Some((file, _)) = self.file.get() {
            return Ok(file);
        }
        loop {
            if let Some(file) = self.if_there()? {
                return Ok(file);
            }
            // It holds the bytes of `P`, so it must have the same readers.
            match beside::make(&self.path, &self.target, None) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
    }

    /// Returns the file with the rights of `P`, even if it was open with wider
    /// rights before. Nothing may be pending after its first `head` bytes.
    pub fn private_file(&self, head: u64) -> io::Result<&File> {
        if let Some(newer) = self.newer.get() {
            return newer.private_file(head);
        }
        let file = self.file()?;
        if !beside::follow_rights(file, &self.path, &self.target, head)? {
            return Ok(file);
        }
        let newer = Redo::new(&self.target, &self.path, self.of);
        self.newer.get_or_init(|| Box::new(newer)).file()
    }

    /// Returns the file, if it exists.
    pub fn if_there(&self) -> io::Result<Option<&File>> {
        if let Some(newer) = self.newer.get() {
            return newer.if_there();
        }
        if let Some((file, _)) = self.file.get() {
            return Ok(Some(file));
        }
        match File::open_beside(&self.path, Access::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            result => self.keep(result?).map(Some),
        }
    }

    fn keep(&self, file: File) -> io::Result<&File> {
        let id = file.id()?;
        let file = Lasting::of(file)?;
        Ok(&self.file.get_or_init(|| (file, id)).0)
    }

    /// Syncs the names, once: another process may have made the files without
    /// it.
    pub fn sync_names(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if let Some(newer) = self.newer.get() {
            return newer.sync_names(sync);
        }
        if !self.names_synced.load(Ordering::Acquire) {
            sync()?;
            self.names_synced.store(true, Ordering::Release);
        }
        Ok(())
    }
}
