//! The lock of one path, whatever the scheme.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::gate::Gate;
use super::home::Home;
use super::note;
use super::scheme::{self, Choice, InPlace, OnUnsupported, Scheme, pid_file, sidecar};
use crate::error::Result;
use crate::sys::PerProcess;

/// The lock of one path.
pub(crate) struct PathLock {
    pub(super) target: PathBuf,
    pub(super) lock_path: PathBuf,
    /// The line for people, `P.holder`.
    pub(super) holder_path: PathBuf,
    pub(super) in_place: Option<InPlace>,
    /// What mode the file will have that is not there yet.
    pub(super) mode: Option<u32>,
    /// `P.lock.guard`, where the lock is that `P.lock` is there, and when that
    /// is stale.
    pub(super) guard: Option<(PathBuf, Duration)>,
    pub(super) gate: PerProcess<Mutex<Option<Arc<Gate>>>>,
    /// Where the directory is made with the first lock.
    pub(super) home: Option<Home>,
    /// Nothing is kept open for a next time.
    pub(super) closed: AtomicBool,
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
                holder_path: note::path_for(target),
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

    /// Whether its directory was never made.
    pub fn is_homeless(&self, operation: &'static str) -> Result<bool> {
        match &self.home {
            Some(home) => home.is_missing(operation, &self.target),
            None => Ok(false),
        }
    }

    /// The lock that is on exactly this lock file.
    pub fn at(target: &Path, lock_path: PathBuf) -> PathLock {
        PathLock {
            target: target.to_owned(),
            holder_path: note::path_beside(&lock_path),
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

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// The file that it is the lock of.
    pub fn target(&self) -> &Path {
        &self.target
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
}
