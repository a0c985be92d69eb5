//! The sidecar scheme: the lock of `P` is an flock on `P.lock`.
//!
//! Never the data file itself: a rename moves the name and not the lock, on SMB
//! and Windows a lock stops readers, and an append-only handle can't be locked
//! there. The lock file is never unlinked by us and never judged stale. Others
//! do unlink such files, so whoever has the lock looks whether its file still
//! has a name.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::at_hand::LockFile;
use super::gate::Gate;
use super::turn::{Refused, ThreadKey};
use super::{Patience, holder, record, recovery};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Access, File, FileId, PerProcess};

/// The lock files that this process has open.
static GATES: PerProcess<Mutex<HashMap<FileId, Weak<Gate>>>> = PerProcess::new();

/// The lock of one path.
pub(crate) struct Sidecar {
    target: PathBuf,
    lock_path: PathBuf,
    gate: PerProcess<Mutex<Option<Arc<Gate>>>>,
}

/// A lock that is held; dropping it lets it go.
pub(crate) struct Held {
    pub(super) gate: Arc<Gate>,
    thread: ThreadKey,
    shared: bool,
    lock_size: u64,
}

impl Sidecar {
    /// The lock of `target`, which is resolved already.
    pub fn of(target: &Path) -> Sidecar {
        let mut name = target.as_os_str().to_owned();
        name.push(".lock");
        Sidecar::at(target, PathBuf::from(name))
    }

    pub fn at(target: &Path, lock_path: PathBuf) -> Sidecar {
        Sidecar {
            target: target.to_owned(),
            lock_path,
            gate: PerProcess::new(),
        }
    }

    pub fn lock_path(&self) -> &Path {
        &self.lock_path
    }

    /// Takes the lock, and settles what its last holder left unfinished.
    #[inline]
    pub fn acquire(
        &self,
        operation: &'static str,
        shared: bool,
        patience: &Patience<'_>,
    ) -> Result<Held> {
        if patience.is_cancelled() {
            return Err(Error::cancelled(operation, &self.target));
        }
        loop {
            let gate = self.gate(operation)?;
            let thread = patience.caller.unwrap_or_else(ThreadKey::current);
            gate.acquire(shared, thread, patience)
                .map_err(|why| self.refusal(operation, why, patience))?;
            let mut held = Held {
                gate,
                thread,
                shared,
                lock_size: 0,
            };
            let (links, size) = held
                .gate
                .file()
                .links_and_size()
                .map_err(|error| Error::os(operation, &self.lock_path, error))?;
            held.lock_size = size;
            if links > 0 && size <= record::IDLE {
                return Ok(held);
            }
            if let Some(held) = self.look_closer(operation, held, links, patience)? {
                return Ok(held);
            }
        }
    }

    /// For a call that waits for another thread to take the lock: `DEADLOCK` if
    /// its own thread holds it.
    pub fn forbid_own(&self, operation: &'static str, patience: &Patience<'_>) -> Result<()> {
        let own =
            patience.caller.is_none() && self.gate(operation)?.is_held_by(ThreadKey::current());
        if own {
            let why = if patience.tries_once() {
                Refused::Busy
            } else {
                Refused::Deadlock
            };
            return Err(self.refusal(operation, why, patience));
        }
        Ok(())
    }

    /// The lock file lost its name, or something is pending in it. `None`: the
    /// lock is to be taken again.
    #[cold]
    fn look_closer(
        &self,
        operation: &'static str,
        mut held: Held,
        links: u64,
        patience: &Patience<'_>,
    ) -> Result<Option<Held>> {
        if links == 0 {
            // Somebody else may have the lock on a new file of this name.
            *self.cached() = None;
            return Ok(None);
        }
        if held.shared {
            // To settle it takes the exclusive lock, and an upgrade is not
            // atomic (man 2 flock).
            if !record::is_ours(held.gate.file())
                .map_err(|error| Error::os(operation, &self.lock_path, error))?
            {
                return Ok(Some(held));
            }
            drop(held);
            drop(self.acquire(operation, false, patience)?);
            return Ok(None);
        }
        recovery::settle(&held.gate, &self.target)?;
        held.lock_size = held.lock_size.min(record::IDLE);
        Ok(Some(held))
    }

    #[cold]
    fn refusal(&self, operation: &'static str, why: Refused, patience: &Patience<'_>) -> Error {
        let new = |kind, detail: String| Error::new(kind, operation, &self.target, detail);
        match why {
            Refused::Busy => new(ErrorKind::Locked, "the lock is held".to_owned())
                .held_by(holder::of_lock(&self.lock_path)),
            Refused::TimedOut => new(
                ErrorKind::LockTimeout,
                format!(
                    "the lock was not free within {:?}",
                    patience.timeout.unwrap_or_default()
                ),
            )
            .held_by(holder::of_lock(&self.lock_path)),
            Refused::Cancelled => Error::cancelled(operation, &self.target),
            Refused::Deadlock => new(
                ErrorKind::Deadlock,
                "this thread holds the lock already and would wait for itself; \
                 pass the guard that holds it (`lock=`), or let it go first"
                    .to_owned(),
            ),
            Refused::System(error) if fs::is_lock_unsupported(&error) => {
                Error::os(operation, &self.lock_path, error)
                    .with_kind(ErrorKind::LockUnsupported)
                    .hint("the file system does not lock files; nothing was changed")
            }
            Refused::System(error) => Error::os(operation, &self.lock_path, error),
        }
    }

    #[inline]
    fn gate(&self, operation: &'static str) -> Result<Arc<Gate>> {
        let mut cached = self.cached();
        if let Some(gate) = &*cached {
            return Ok(Arc::clone(gate));
        }
        let gate = open_gate(&self.target, &self.lock_path)
            .map_err(|error| refused_file(operation, &self.lock_path, error))?;
        *cached = Some(Arc::clone(&gate));
        Ok(gate)
    }

    fn cached(&self) -> MutexGuard<'_, Option<Arc<Gate>>> {
        self.gate
            .get(|| Mutex::new(None))
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// This process's gate for the lock file that has this name now.
fn open_gate(target: &Path, lock_path: &Path) -> io::Result<Arc<Gate>> {
    let (file, writable) = open_lock_file(target, lock_path)?;
    let id = file.id()?;
    let mut gates = GATES
        .get(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(gate) = gates.get(&id).and_then(Weak::upgrade) {
        // Our second descriptor is closed; an flock does not mind.
        return Ok(gate);
    }
    gates.retain(|_, gate| gate.strong_count() > 0);
    let gate = Arc::new(Gate::new(lock_path, file, writable));
    gates.insert(id, Arc::downgrade(&gate));
    Ok(gate)
}

/// Opens the lock file, made on first use.
///
/// First without O_CREAT, which in a sticky directory fails on another user's
/// file (`fs.protected_regular`, man 5 proc). Read-only where it can't be
/// written: that is enough to lock, though not for recovery records.
fn open_lock_file(target: &Path, lock_path: &Path) -> io::Result<(File, bool)> {
    loop {
        match File::open(lock_path, Access::LockFile) {
            Ok(file) => return Ok((file, true)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                return File::open(lock_path, Access::LockFileRead).map(|file| (file, false));
            }
            Err(error) => return Err(error),
        }
        // Whoever may write the file must be able to lock it.
        let like = fs::metadata(target)?;
        let mode = like.as_ref().map(|like| like.mode & 0o666);
        match File::create_new(lock_path, Access::LockFile, mode) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(file) => {
                if let Some(like) = &like {
                    file.give_to(like)?;
                }
                return Ok((file, true));
            }
        }
    }
}

#[cold]
fn refused_file(operation: &'static str, lock_path: &Path, error: io::Error) -> Error {
    let symbolic = fs::is_symbolic_link(&error);
    let made = Error::os(operation, lock_path, error);
    if symbolic {
        return made.with_kind(ErrorKind::PermissionDenied).hint(
            "a lock file that is a symbolic link is not followed: somebody may have planted it",
        );
    }
    match made.kind() {
        ErrorKind::NotFound => made.hint("the directory does not exist"),
        ErrorKind::PermissionDenied => made.hint(
            "the lock file can't be made or opened; the directory must be writable, or the lock \
             file be there already and readable",
        ),
        _ => made,
    }
}

impl Held {
    #[inline]
    pub fn lock_file(&self) -> LockFile<'_> {
        LockFile {
            gate: &self.gate,
            size: self.lock_size,
        }
    }

    /// Whether this is a lock of this process, not of the one it was forked
    /// from.
    pub fn is_ours(&self) -> bool {
        self.gate.is_ours()
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        // A forked child has no part in the lock: an unlock would free its
        // parent's.
        if self.gate.is_ours() {
            self.gate.release(self.thread);
        }
    }
}
