//! The lock of one path, whatever the scheme: what journals, documents and
//! `FileLock` ask.
//!
//! ```text
//! path_lock/opening.rs  the file that it is on, and this process's gate to it
//! path_lock/attempt.rs  one attempt to take it
//! path_lock/refusal.rs  why it was not taken
//! path_lock/held.rs     while it is held
//! ```

mod attempt;
mod held;
mod opening;
mod refusal;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Call, Patience, find_holder};
use crate::oslock::gate::Gate;
use crate::oslock::home::Home;
use crate::oslock::scheme::InPlace;
use crate::oslock::scheme::{self, Choice, OnUnsupported, Scheme, pid_file, sidecar};
use crate::oslock::turn::{Refused, ThreadKey};
use crate::oslock::waiter::GaveUp;
use crate::sys::{self, PerProcess};
use attempt::Stale;

pub(crate) use held::Held;
pub(crate) use opening::held_in;

/// The lock of one path.
pub(crate) struct PathLock {
    target: PathBuf,
    lock_path: PathBuf,
    /// The line for people, `P.holder`.
    holder_path: PathBuf,
    in_place: Option<InPlace>,
    /// What mode the file will have that is not there yet.
    mode: Option<u32>,
    /// `P.lock.guard`, where the lock is that `P.lock` is there, and when that
    /// is stale.
    guard: Option<(PathBuf, Duration)>,
    gate: PerProcess<Mutex<Option<Arc<Gate>>>>,
    /// Where the directory is made with the first lock.
    home: Option<Home>,
    /// Nothing is kept open for a next time.
    closed: AtomicBool,
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
            Scheme::Sidecar => Ok(PathLock {
                mode,
                ..PathLock::at(target, sidecar::lock_path(target))
            }),
            Scheme::InPlace => Ok(PathLock {
                target: target.to_owned(),
                lock_path: target.to_owned(),
                holder_path: find_holder::path_for(target),
                in_place: Some(InPlace::new(target, create, mode)),
                mode,
                guard: None,
                gate: PerProcess::new(),
                home: None,
                closed: AtomicBool::new(false),
            }),
            Scheme::PidFile => {
                let lock = PathLock::at(target, sidecar::lock_path(target));
                let guard = pid_file::guard_path(&lock.lock_path);
                Ok(PathLock {
                    guard: Some((guard, choice.stale)),
                    mode,
                    ..lock
                })
            }
        }
    }

    /// In a directory that may have to be made.
    pub fn in_home(self, home: Option<Home>) -> PathLock {
        PathLock { home, ..self }
    }

    /// The lock that is on exactly this lock file.
    pub fn at(target: &Path, lock_path: PathBuf) -> PathLock {
        PathLock {
            target: target.to_owned(),
            holder_path: find_holder::path_beside(&lock_path),
            lock_path,
            in_place: None,
            mode: None,
            guard: None,
            gate: PerProcess::new(),
            home: None,
            closed: AtomicBool::new(false),
        }
    }

    /// The lock file is closed, now or when the last that has the lock lets it
    /// go. A lock that is taken afterwards opens it for that one time.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        *self.cached() = None;
        if let Some(in_place) = &self.in_place {
            in_place.close();
        }
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
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
        let mut stale = Stale::default();
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
        if let Some(home) = &self.home
            && home.is_missing(operation, &self.target)?
        {
            return Ok(None);
        }
        if self.in_place.is_none() {
            return self.acquire(operation, shared, patience).map(Some);
        }
        if patience.is_cancelled() {
            return Err(Error::cancelled(operation, &self.target));
        }
        let mut stale = Stale::default();
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
    pub(crate) fn acquire_unsettled(
        &self,
        operation: &'static str,
        patience: &Patience<'_>,
    ) -> Result<Held> {
        let mut stale = Stale::default();
        loop {
            let gate = self.gate(operation, patience)?;
            if let Some(held) = self.lock_on(gate, operation, false, patience, &mut stale)? {
                return Ok(held);
            }
        }
    }

    /// Whether the file that this lock is on has its name still.
    pub fn names(&self, operation: &'static str, held: &Held) -> Result<bool> {
        // In place, the name of the lock file is the data's.
        let name = match self.in_place {
            Some(_) => &self.target,
            None => self.record_path(),
        };
        let seen = sys::look(name).map_err(|error| Error::os(operation, name, error))?;
        Ok(seen.is_some_and(|seen| seen.id == held.gate.id())
            && held
                .gate
                .is_itself()
                .map_err(|error| Error::os(operation, name, error))?)
    }

    /// The same with one try; `None`: others have it.
    pub(crate) fn try_unsettled(
        &self,
        operation: &'static str,
        patience: &Patience<'_>,
    ) -> Result<Option<Held>> {
        if_free(self.acquire_unsettled(operation, &once(patience)))
    }

    /// One try at the exclusive lock; `None`: others have it.
    pub fn try_settled(
        &self,
        operation: &'static str,
        patience: &Patience<'_>,
    ) -> Result<Option<Held>> {
        if_free(self.acquire(operation, false, &once(patience)))
    }

    /// Whether the caller would wait for itself here.
    pub(crate) fn is_held_by_caller(
        &self,
        operation: &'static str,
        patience: &Patience<'_>,
    ) -> Result<bool> {
        let thread = patience.caller.unwrap_or_else(ThreadKey::current);
        Ok(self.gate(operation, patience)?.is_held_by(thread))
    }

    /// Why a wait for this lock that was not one for the system ended.
    pub(crate) fn gave_up(
        &self,
        operation: &'static str,
        why: GaveUp,
        patience: &Patience<'_>,
    ) -> Error {
        self.refusal(operation, Refused::from(why), patience)
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
}

/// One try, for the same caller.
fn once(patience: &Patience<'_>) -> Patience<'static> {
    Patience {
        caller: patience.caller,
        ..Call::new().timeout(Some(Duration::ZERO)).begin(None)
    }
}

fn if_free(tried: Result<Held>) -> Result<Option<Held>> {
    match tried {
        Ok(held) => Ok(Some(held)),
        Err(error) if error.kind() == ErrorKind::Locked => Ok(None),
        Err(error) => Err(error),
    }
}
