//! From a path to its process lock. The file that carries the lock is opened once in a
//! process, for all callers.

use crate::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::backoff::Backoff;
use super::caller::ThreadKey;
use super::path_lock::PathLock;
use super::process_lock::ProcessLock;
use super::scheme::pid_file::PidFile;
use super::scheme::{Scheme, sidecar};
use super::wait_policy::WaitPolicy;
use super::waiter::AcquireError;
use crate::error::Result;
use crate::sys::{Access, Descriptor, File, FileId, PerProcess};

/// The locked files that this process has open, by scheme. A lock file and data
/// are opened in different ways.
static PROCESS_LOCKS: PerProcess<Mutex<ProcessLocks>> = PerProcess::new();
type ProcessLocks = HashMap<(FileId, Scheme), Weak<ProcessLock>>;

fn process_locks() -> MutexGuard<'static, ProcessLocks> {
    PROCESS_LOCKS
        .get(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// Returns a lock file in this directory if the caller's thread holds its lock.
pub(crate) fn held_in(dir: &Path, wait: &WaitPolicy<'_>) -> Option<PathBuf> {
    if wait.caller.is_some() {
        // Other tasks of this caller may hold it, and they go on meanwhile.
        return None;
    }
    let process_locks: Vec<_> = process_locks()
        .iter()
        .filter(|((_, scheme), _)| *scheme == Scheme::Sidecar)
        .filter_map(|(_, process_lock)| process_lock.upgrade())
        .collect();
    let own = ThreadKey::current();
    process_locks
        .iter()
        .find(|process_lock| {
            process_lock.lock_path.parent() == Some(dir) && process_lock.is_held_by(own)
        })
        .map(|process_lock| process_lock.lock_path.clone())
}

impl PathLock {
    #[inline]
    pub(crate) fn process_lock(
        &self,
        operation: &'static str,
        wait: &WaitPolicy<'_>,
    ) -> Result<Arc<ProcessLock>> {
        let cached = self.cached();
        if let Some(process_lock) = &*cached {
            return Ok(Arc::clone(process_lock));
        }
        drop(cached);
        let create = self.in_place.as_ref().is_none_or(|own| own.create);
        let mut opened = self.open(operation, wait, create)?;
        if let Some(home) = self.home.as_ref().filter(|home| home.is_awaited()) {
            if matches!(&opened, Err(error) if error.kind() == io::ErrorKind::NotFound) {
                home.make(operation, wait)?;
                opened = self.open(operation, wait, create)?;
            }
            if opened.is_ok() {
                home.found();
            }
        }
        self.keep(operation, opened)
    }

    /// Does the same for a call that has nothing to do without a file. If the
    /// lock is on the file itself, no file is made only to be locked.
    pub(crate) fn process_lock_if_there(
        &self,
        operation: &'static str,
        wait: &WaitPolicy<'_>,
    ) -> Result<Option<Arc<ProcessLock>>> {
        if self.in_place.is_none() {
            return self.process_lock(operation, wait).map(Some);
        }
        let cached = self.cached().clone();
        if cached.is_some() {
            return Ok(cached);
        }
        match self.open(operation, wait, false)? {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => self.keep(operation, opened).map(Some),
        }
    }

    /// Opens the file that carries the lock. The outer error says that the wait
    /// ended: another program has a file lease on it (man 2 fcntl, F_SETLEASE).
    /// This open has asked for the lease, and the system revokes it after a
    /// time.
    #[cold]
    pub(crate) fn open(
        &self,
        operation: &'static str,
        wait: &WaitPolicy<'_>,
        create: bool,
    ) -> Result<io::Result<(Descriptor, bool)>> {
        let mut backoff = None;
        loop {
            let opened = match &self.in_place {
                Some(in_place) => in_place.open(&self.target, create),
                None => sidecar::open(&self.target, self.record_path(), self.mode),
            };
            match opened {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                opened => return Ok(opened),
            }
            let backoff = backoff.get_or_insert_with(|| Backoff::new(wait));
            let slept = if wait.tries_once() {
                Err(AcquireError::Busy)
            } else {
                backoff.sleep(wait).map_err(AcquireError::from)
            };
            slept.map_err(|why| self.refusal(operation, why, wait))?;
        }
    }

    /// Opens the file that this lock protects, to be read without the lock. On Windows a
    /// lock in place stops every handle but its own, so one of this process is shared.
    pub(crate) fn open_data(&self, path: &Path) -> io::Result<File> {
        let file = File::open(path, Access::Read)?;
        #[cfg(windows)]
        if self.in_place.is_some() {
            let key = (file.id()?, Scheme::InPlace);
            let process_lock = process_locks().get(&key).and_then(Weak::upgrade);
            if let Some(held) = process_lock.filter(|process_lock| process_lock.is_held()) {
                return held.locked().again();
            }
        }
        Ok(file)
    }

    /// Forgets this lock file, which the server no longer has (NFS).
    #[cold]
    pub(crate) fn forget(&self, process_lock: &Arc<ProcessLock>) {
        *self.cached() = None;
        process_locks().retain(|_, other| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(process_lock)));
    }

    /// Returns this process's lock for a file that was opened to be locked.
    #[cold]
    pub(crate) fn keep(
        &self,
        operation: &'static str,
        opened: io::Result<(Descriptor, bool)>,
    ) -> Result<Arc<ProcessLock>> {
        let process_lock = opened
            .and_then(|(file, writable)| self.process_lock_of(file, writable))
            .map_err(|error| self.refused_file(operation, error))?;
        if let (Some(pid_file), Some(stale)) = (process_lock.pid_file(), &self.stale_after) {
            pid_file.stale_after(*stale);
        }
        let mut cached = self.cached();
        if !self.is_closed() {
            *cached = Some(Arc::clone(&process_lock));
        }
        drop(cached);
        Ok(process_lock)
    }

    fn process_lock_of(&self, file: Descriptor, writable: bool) -> io::Result<Arc<ProcessLock>> {
        let id = file.id()?;
        let key = (id, self.scheme());
        let mut process_locks = process_locks();
        if let Some(process_lock) = process_locks.get(&key).and_then(Weak::upgrade) {
            // The second descriptor is closed here; an flock is not affected.
            return Ok(process_lock);
        }
        process_locks.retain(|_, process_lock| process_lock.strong_count() > 0);
        let pid_file = self.stale_after.as_ref();
        let pid_file = pid_file.map(|_| PidFile::new(&self.lock_path, &self.target));
        // Its content is where the record is; in place, that is another file.
        let (named, access) = match self.scheme() {
            Scheme::PidFile => (self.record_path(), Access::Write),
            Scheme::Sidecar => (&*self.lock_path, Access::Write),
            Scheme::InPlace => (&*self.lock_path, Access::Append),
        };
        let process_lock =
            ProcessLock::new(named, &self.target, access, id, file, writable, pid_file);
        let process_lock = Arc::new(process_lock);
        process_locks.insert(key, Arc::downgrade(&process_lock));
        Ok(process_lock)
    }

    pub(crate) fn cached(&self) -> MutexGuard<'_, Option<Arc<ProcessLock>>> {
        self.process_lock
            .get(|| Mutex::new(None))
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
