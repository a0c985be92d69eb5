//! From a path to its gate. The file that carries the lock is opened once in a
//! process, for all callers.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::backoff::Backoff;
use super::caller::ThreadKey;
use super::gate::Gate;
use super::path_lock::PathLock;
use super::patience::Patience;
use super::scheme::pid_file::PidFile;
use super::scheme::{Scheme, sidecar};
use super::waiter::Refused;
use crate::error::Result;
use crate::sys::{Access, Descriptor, FileId, PerProcess};

/// The locked files that this process has open, by scheme. A lock file and data
/// are opened in different ways.
static GATES: PerProcess<Mutex<Gates>> = PerProcess::new();
type Gates = HashMap<(FileId, Scheme), Weak<Gate>>;

/// Returns a lock file in this directory if the caller's thread holds its lock.
pub(crate) fn held_in(dir: &Path, patience: &Patience<'_>) -> Option<PathBuf> {
    if patience.caller.is_some() {
        // Other tasks of this caller may hold it, and they go on meanwhile.
        return None;
    }
    let gates: Vec<_> = GATES
        .get(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter()
        .filter(|((_, scheme), _)| *scheme == Scheme::Sidecar)
        .filter_map(|(_, gate)| gate.upgrade())
        .collect();
    let own = ThreadKey::current();
    gates
        .iter()
        .find(|gate| gate.lock_path.parent() == Some(dir) && gate.is_held_by(own))
        .map(|gate| gate.lock_path.clone())
}

impl PathLock {
    #[inline]
    pub(crate) fn gate(
        &self,
        operation: &'static str,
        patience: &Patience<'_>,
    ) -> Result<Arc<Gate>> {
        let cached = self.cached();
        if let Some(gate) = &*cached {
            return Ok(Arc::clone(gate));
        }
        drop(cached);
        let create = self.in_place.as_ref().is_none_or(|own| own.create);
        let mut opened = self.open(operation, patience, create)?;
        if let Some(home) = self.home.as_ref().filter(|home| home.is_awaited()) {
            if matches!(&opened, Err(error) if error.kind() == io::ErrorKind::NotFound) {
                home.make(operation, patience)?;
                opened = self.open(operation, patience, create)?;
            }
            if opened.is_ok() {
                home.found();
            }
        }
        self.keep(operation, opened)
    }

    /// Does the same for a call that has nothing to do without a file. If the
    /// lock is on the file itself, no file is made only to be locked.
    pub(crate) fn gate_if_there(
        &self,
        operation: &'static str,
        patience: &Patience<'_>,
    ) -> Result<Option<Arc<Gate>>> {
        if self.in_place.is_none() {
            return self.gate(operation, patience).map(Some);
        }
        let cached = self.cached().clone();
        if cached.is_some() {
            return Ok(cached);
        }
        match self.open(operation, patience, false)? {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => self.keep(operation, opened).map(Some),
        }
    }

    /// Opens the file that carries the lock. The outer error says that patience
    /// ended: another program has a file lease on it (man 2 fcntl, F_SETLEASE).
    /// This open has asked for the lease, and the system revokes it after a
    /// time.
    #[cold]
    pub(crate) fn open(
        &self,
        operation: &'static str,
        patience: &Patience<'_>,
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
            let backoff = backoff.get_or_insert_with(|| Backoff::new(patience));
            let slept = if patience.tries_once() {
                Err(Refused::Busy)
            } else {
                backoff.sleep(patience).map_err(Refused::from)
            };
            slept.map_err(|why| self.refusal(operation, why, patience))?;
        }
    }

    /// Forgets this lock file, which the server no longer has (NFS).
    #[cold]
    pub(crate) fn forget(&self, gate: &Arc<Gate>) {
        *self.cached() = None;
        GATES
            .get(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, other| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(gate)));
    }

    /// Returns this process's gate for a file that was opened to be locked.
    #[cold]
    pub(crate) fn keep(
        &self,
        operation: &'static str,
        opened: io::Result<(Descriptor, bool)>,
    ) -> Result<Arc<Gate>> {
        let gate = opened
            .and_then(|(file, writable)| self.gate_of(file, writable))
            .map_err(|error| self.refused_file(operation, error))?;
        if let (Some(pid_file), Some((_, stale))) = (gate.pid_file(), &self.guard) {
            pid_file.stale_after(*stale);
        }
        let mut cached = self.cached();
        if !self.is_closed() {
            *cached = Some(Arc::clone(&gate));
        }
        drop(cached);
        Ok(gate)
    }

    fn gate_of(&self, file: Descriptor, writable: bool) -> io::Result<Arc<Gate>> {
        let id = file.id()?;
        let key = (id, self.scheme());
        let mut gates = GATES
            .get(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get(&key).and_then(Weak::upgrade) {
            // The second descriptor is closed here; an flock is not affected.
            return Ok(gate);
        }
        gates.retain(|_, gate| gate.strong_count() > 0);
        let pid_file = self.guard.as_ref();
        let pid_file = pid_file.map(|_| PidFile::new(&self.lock_path, &self.target));
        // Its content is where the record is; in place, that is another file.
        let (named, access) = match self.scheme() {
            Scheme::PidFile => (self.record_path(), Access::Write),
            Scheme::Sidecar => (&*self.lock_path, Access::Write),
            Scheme::InPlace => (&*self.lock_path, Access::Append),
        };
        let gate = Gate::new(named, &self.target, access, id, file, writable, pid_file);
        let gate = Arc::new(gate);
        gates.insert(key, Arc::downgrade(&gate));
        Ok(gate)
    }

    pub(crate) fn cached(&self) -> MutexGuard<'_, Option<Arc<Gate>>> {
        self.gate
            .get(|| Mutex::new(None))
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
