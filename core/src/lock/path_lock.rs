//! The lock of one path, whatever the scheme: what journals, documents and
//! `FileLock` ask.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::at_hand::LockFile;
use super::backoff::Backoff;
use super::gate::Gate;
use super::in_place::{InPlace, Redo};
use super::pid_file::{self, PidFile};
use super::recovery::{Settled, transaction};
use super::turn::{Refused, ThreadKey};
use super::{
    Choice, OnUnsupported, Patience, Scheme, holder, record, recovery, scheme, sidecar, unsupported,
};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Access, FileId, PerProcess};

/// The locked files that this process has open, and for which scheme: a lock
/// file and data are not opened in the same way.
static GATES: PerProcess<Mutex<Gates>> = PerProcess::new();
type Gates = HashMap<(FileId, Scheme), Weak<Gate>>;

/// The lock of one path.
pub(crate) struct PathLock {
    target: PathBuf,
    lock_path: PathBuf,
    /// The line for people, `P.holder`.
    holder_path: PathBuf,
    in_place: Option<InPlace>,
    /// `P.lock.guard`, where the lock is that `P.lock` is there, and when that
    /// is stale.
    guard: Option<(PathBuf, Duration)>,
    gate: PerProcess<Mutex<Option<Arc<Gate>>>>,
}

/// A lock that is held; dropping it lets it go.
pub(crate) struct Held {
    pub(super) gate: Arc<Gate>,
    thread: ThreadKey,
    shared: bool,
    lock_size: u64,
    redo: Option<Arc<Redo>>,
}

/// How often the server had no such lock file any more (NFS).
struct Stale(u32);

impl Stale {
    /// Whether to open it anew after this error.
    #[cold]
    fn allows(&mut self, error: &io::Error) -> bool {
        self.0 += 1;
        fs::is_stale(error) && self.0 < 5
    }
}

impl PathLock {
    /// The lock of `target`, which is resolved already. Where the lock is on
    /// `target` itself, `create` and `mode` say whether and how it is made.
    pub fn of(
        operation: &'static str,
        target: &Path,
        choice: &Choice,
        create: bool,
        mode: Option<u32>,
    ) -> Result<PathLock> {
        choice.check(operation, target)?;
        let fall_back = choice.on_unsupported == OnUnsupported::PidFile;
        let scheme = match choice.scheme {
            Scheme::Sidecar | Scheme::InPlace if fall_back && !scheme::locks_beside(target) => {
                Scheme::PidFile
            }
            scheme => scheme,
        };
        match scheme {
            Scheme::Sidecar => Ok(PathLock::at(target, sidecar::lock_path(target))),
            Scheme::InPlace => Ok(PathLock {
                target: target.to_owned(),
                lock_path: target.to_owned(),
                holder_path: holder::path_for(target),
                in_place: Some(InPlace::new(target, create, mode)),
                guard: None,
                gate: PerProcess::new(),
            }),
            Scheme::PidFile => {
                let lock = PathLock::at(target, sidecar::lock_path(target));
                let guard = pid_file::guard_path(&lock.lock_path);
                Ok(PathLock {
                    guard: Some((guard, choice.stale)),
                    ..lock
                })
            }
        }
    }

    /// The lock that is on exactly this lock file.
    pub fn at(target: &Path, lock_path: PathBuf) -> PathLock {
        PathLock {
            target: target.to_owned(),
            holder_path: lock_path.with_extension("holder"),
            lock_path,
            in_place: None,
            guard: None,
            gate: PerProcess::new(),
        }
    }

    /// The file that the lock is on.
    pub fn lock_path(&self) -> &Path {
        &self.lock_path
    }

    /// The file that the generation and what is pending are in.
    pub fn record_path(&self) -> &Path {
        match (&self.in_place, &self.guard) {
            (Some(in_place), _) => in_place.redo_path(),
            (None, Some((guard, _))) => guard,
            (None, None) => &self.lock_path,
        }
    }

    pub fn scheme(&self) -> Scheme {
        match (&self.in_place, &self.guard) {
            (Some(_), _) => Scheme::InPlace,
            (None, Some(_)) => Scheme::PidFile,
            (None, None) => Scheme::Sidecar,
        }
    }

    pub fn holder_path(&self) -> &Path {
        &self.holder_path
    }

    /// Whether the lock is on the data, which then keeps its inode.
    pub fn is_in_place(&self) -> bool {
        self.in_place.is_some()
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
        let mut stale = Stale(0);
        loop {
            let gate = self.gate(operation, patience)?;
            if let Some(held) = self.acquire_on(gate, operation, shared, patience, &mut stale)? {
                return Ok(held);
            }
        }
    }

    /// The same for a call that has nothing to do where there is no file:
    /// where the lock is on the file itself, none is made only to be locked.
    pub fn acquire_if_there(
        &self,
        operation: &'static str,
        shared: bool,
        patience: &Patience<'_>,
    ) -> Result<Option<Held>> {
        if self.in_place.is_none() {
            return self.acquire(operation, shared, patience).map(Some);
        }
        if patience.is_cancelled() {
            return Err(Error::cancelled(operation, &self.target));
        }
        let mut stale = Stale(0);
        loop {
            let cached = self.cached().clone();
            let gate = match cached {
                Some(gate) => gate,
                None => match self.open(operation, patience, false)? {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    opened => self.keep(operation, opened)?,
                },
            };
            if let Some(held) = self.acquire_on(gate, operation, shared, patience, &mut stale)? {
                return Ok(Some(held));
            }
        }
    }

    /// Takes the lock, and leaves what is pending as it is: for one who
    /// settles it.
    pub(super) fn acquire_unsettled(
        &self,
        operation: &'static str,
        patience: &Patience<'_>,
    ) -> Result<Held> {
        let mut stale = Stale(0);
        loop {
            let gate = self.gate(operation, patience)?;
            if let Some(held) = self.lock_on(gate, operation, false, patience, &mut stale)? {
                return Ok(held);
            }
        }
    }

    /// `None`: the lock is to be taken again.
    #[inline]
    fn acquire_on(
        &self,
        gate: Arc<Gate>,
        operation: &'static str,
        shared: bool,
        patience: &Patience<'_>,
        stale: &mut Stale,
    ) -> Result<Option<Held>> {
        match self.lock_on(gate, operation, shared, patience, stale)? {
            Some(held) if held.lock_size > record::IDLE || !held.gate.has_looked() => {
                self.look_closer(operation, held, patience)
            }
            held => Ok(held),
        }
    }

    /// `None`: the lock is to be taken again.
    #[inline]
    fn lock_on(
        &self,
        gate: Arc<Gate>,
        operation: &'static str,
        shared: bool,
        patience: &Patience<'_>,
        stale: &mut Stale,
    ) -> Result<Option<Held>> {
        let thread = patience.caller.unwrap_or_else(ThreadKey::current);
        match gate.acquire(shared, thread, patience) {
            Ok(()) => {}
            Err(Refused::System(error)) if stale.allows(&error) => {
                self.forget(&gate);
                return Ok(None);
            }
            Err(Refused::Busy) if patience.tries_once() && self.is_heir() => {
                let longer = PathLock::with_lookers(patience);
                let taken = self.acquire_on(gate, operation, shared, &longer, stale);
                return taken.map_err(|error| match error.kind() {
                    ErrorKind::LockTimeout => self.refusal(operation, Refused::Busy, patience),
                    _ => error,
                });
            }
            Err(why) => return Err(self.refusal(operation, why, patience)),
        }
        let mut held = Held {
            gate,
            thread,
            shared,
            lock_size: 0,
            redo: None,
        };
        let told = |error| Error::os(operation, &self.lock_path, error);
        let named = if let Some(in_place) = &self.in_place {
            let seen = in_place.look(&self.target, held.gate.id());
            seen.map_err(told)?.is_some_and(|(redo, size)| {
                held.redo = Some(redo);
                held.lock_size = size;
                true
            })
        } else {
            match held.gate.file().links_and_size() {
                Err(error) if stale.allows(&error) => {
                    self.forget(&held.gate);
                    return Ok(None);
                }
                seen => {
                    let (links, size) = seen.map_err(told)?;
                    held.lock_size = size;
                    links > 0
                }
            }
        };
        if !named {
            // Somebody else may have the lock on a new file of this name.
            *self.cached() = None;
            return Ok(None);
        }
        Ok(Some(held))
    }

    /// For a call that waits for another thread to take the lock: `DEADLOCK` if
    /// its own thread holds it.
    pub fn forbid_own(&self, operation: &'static str, patience: &Patience<'_>) -> Result<()> {
        let own = patience.caller.is_none()
            && self
                .gate(operation, patience)?
                .is_held_by(ThreadKey::current());
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

    /// Something is pending, or it is locked here for the first time. `None`: the
    /// lock is to be taken again.
    #[cold]
    fn look_closer(
        &self,
        operation: &'static str,
        mut held: Held,
        patience: &Patience<'_>,
    ) -> Result<Option<Held>> {
        if !held.gate.has_looked() {
            // A transaction replaces its files: not for the other schemes.
            if self.in_place.is_none()
                && let Some(id) = transaction::look_for_manifest(&self.lock_path)?
            {
                drop(held);
                transaction::settle(&self.lock_path, id, patience)?;
                return Ok(None);
            }
            held.gate.looked();
        }
        if held.lock_size <= record::IDLE {
            return Ok(Some(held));
        }
        if held.shared {
            // To settle it takes the exclusive lock, and an upgrade is not
            // atomic (man 2 flock).
            let told = |error| Error::os(operation, self.record_path(), error);
            if !held.lock_file().is_ours().map_err(told)? {
                return Ok(Some(held));
            }
            drop(held);
            drop(self.acquire(operation, false, patience)?);
            return Ok(None);
        }
        match recovery::settle(held.lock_file(), &self.target)? {
            Settled::Done => {
                held.lock_size = held.lock_size.min(record::IDLE);
                Ok(Some(held))
            }
            Settled::Transaction(id) => {
                drop(held);
                transaction::settle(&self.lock_path, id, patience)?;
                Ok(None)
            }
            Settled::Reserved(heir) => {
                drop(held);
                self.await_heir(operation, &heir, patience)?;
                Ok(None)
            }
        }
    }

    #[cold]
    pub(super) fn refusal(
        &self,
        operation: &'static str,
        why: Refused,
        patience: &Patience<'_>,
    ) -> Error {
        let new = |kind, detail: String| Error::new(kind, operation, &self.target, detail);
        match why {
            Refused::Busy => new(ErrorKind::Locked, "the lock is held".to_owned())
                .held_by(holder::of_lock(&self.lock_path, &self.holder_path)),
            Refused::TimedOut => new(
                ErrorKind::LockTimeout,
                format!(
                    "the lock was not free within {:?}",
                    patience.timeout.unwrap_or_default()
                ),
            )
            .held_by(holder::of_lock(&self.lock_path, &self.holder_path)),
            Refused::Cancelled => Error::cancelled(operation, &self.target),
            Refused::Deadlock => new(
                ErrorKind::Deadlock,
                "this thread holds the lock already and would wait for itself; \
                 pass the guard that holds it (`lock=`), or let it go first"
                    .to_owned(),
            ),
            Refused::System(error) => {
                let writable = self.cached().as_ref().is_none_or(|gate| gate.writable);
                unsupported::refused(operation, &self.lock_path, writable, error)
            }
        }
    }

    #[inline]
    fn gate(&self, operation: &'static str, patience: &Patience<'_>) -> Result<Arc<Gate>> {
        let cached = self.cached();
        if let Some(gate) = &*cached {
            return Ok(Arc::clone(gate));
        }
        drop(cached);
        let create = self.in_place.as_ref().is_none_or(|own| own.create);
        let opened = self.open(operation, patience, create)?;
        self.keep(operation, opened)
    }

    /// Opens the file that the lock is on. The outer error is that patience
    /// ended: another program has a file lease on it (man 2 fcntl, F_SETLEASE).
    /// Our open has asked for it back, and the system takes it away after a
    /// time.
    #[cold]
    fn open(
        &self,
        operation: &'static str,
        patience: &Patience<'_>,
        create: bool,
    ) -> Result<io::Result<(fs::File, bool)>> {
        let mut backoff = None;
        loop {
            let opened = match &self.in_place {
                Some(in_place) => in_place.open(&self.target, create),
                None => sidecar::open(&self.target, self.record_path()),
            };
            match opened {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                opened => return Ok(opened),
            }
            let backoff = backoff.get_or_insert_with(|| Backoff::new(patience));
            let slept = if patience.tries_once() {
                Err(Refused::Busy)
            } else {
                backoff.sleep(patience).map_err(Refused::from)
            };
            slept.map_err(|why| self.refusal(operation, why, patience))?;
        }
    }

    /// The server has no such lock file any more (NFS): for nobody here.
    #[cold]
    fn forget(&self, gate: &Arc<Gate>) {
        *self.cached() = None;
        GATES
            .get(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, other| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(gate)));
    }

    /// This process's gate for a file that was opened to be locked.
    #[cold]
    fn keep(
        &self,
        operation: &'static str,
        opened: io::Result<(fs::File, bool)>,
    ) -> Result<Arc<Gate>> {
        let gate = opened
            .and_then(|(file, writable)| self.gate_of(file, writable))
            .map_err(|error| self.refused_file(operation, error))?;
        if let (Some(pid_file), Some((_, stale))) = (gate.pid_file(), &self.guard) {
            pid_file.stale_after(*stale);
        }
        *self.cached() = Some(Arc::clone(&gate));
        Ok(gate)
    }

    fn gate_of(&self, file: fs::File, writable: bool) -> io::Result<Arc<Gate>> {
        let id = file.id()?;
        let key = (id, self.scheme());
        let mut gates = GATES
            .get(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get(&key).and_then(Weak::upgrade) {
            // Our second descriptor is closed; an flock does not mind.
            return Ok(gate);
        }
        gates.retain(|_, gate| gate.strong_count() > 0);
        let pid_file = self.guard.as_ref();
        let pid_file = pid_file.map(|_| PidFile::new(&self.lock_path, &self.target));
        // Its content is where the record is; in place, that is another file.
        let (named, access) = match self.scheme() {
            Scheme::PidFile => (self.record_path(), Access::LockFile),
            Scheme::Sidecar => (&*self.lock_path, Access::LockFile),
            Scheme::InPlace => (&*self.lock_path, Access::InPlace),
        };
        let gate = Arc::new(Gate::new(named, access, id, file, writable, pid_file));
        gates.insert(key, Arc::downgrade(&gate));
        Ok(gate)
    }

    fn cached(&self) -> MutexGuard<'_, Option<Arc<Gate>>> {
        self.gate
            .get(|| Mutex::new(None))
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    #[cold]
    fn refused_file(&self, operation: &'static str, error: io::Error) -> Error {
        let symbolic = fs::is_symbolic_link(&error);
        let made = Error::os(operation, &self.lock_path, error);
        if symbolic {
            return made.with_kind(ErrorKind::PermissionDenied).hint(
                "a lock file that is a symbolic link is not followed: somebody may have planted it",
            );
        }
        match made.kind() {
            ErrorKind::NotFound if self.in_place.as_ref().is_some_and(|own| !own.create) => made
                .hint("in the scheme in-place the lock is on the file itself, which is not there"),
            ErrorKind::NotFound => made.hint("the directory does not exist"),
            ErrorKind::PermissionDenied if self.is_in_place() => made.hint(
                "in the scheme in-place the lock is on the file itself, which must be readable \
                 at least",
            ),
            ErrorKind::PermissionDenied => made.hint(
                "the lock file can't be made or opened; the directory must be writable, or the \
                 lock file be there already and readable",
            ),
            _ => made,
        }
    }
}

impl Held {
    #[inline]
    pub fn lock_file(&self) -> LockFile<'_> {
        LockFile {
            gate: &self.gate,
            size: self.lock_size,
            redo: self.redo.as_deref(),
        }
    }

    /// Whether the lock is on the data itself.
    pub fn is_in_place(&self) -> bool {
        self.redo.is_some()
    }

    pub fn scheme(&self) -> Scheme {
        match self.gate.pid_file() {
            Some(_) => Scheme::PidFile,
            None if self.is_in_place() => Scheme::InPlace,
            None => Scheme::Sidecar,
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
