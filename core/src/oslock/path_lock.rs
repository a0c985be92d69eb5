//! The lock of one path, in any scheme.

use crate::sync::{Arc, Mutex};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::home::Home;
use super::note;
use super::process_lock::ProcessLock;
use super::scheme::{self, Choice, InPlace, OnUnsupported, Scheme, pid_file, sidecar};
use crate::error::Result;
use crate::sys::PerProcess;

/// The lock of one path.
pub(crate) struct PathLock {
    pub(super) target: PathBuf,
    pub(super) lock_path: PathBuf,
    /// The file with the lines for people, `P.holder`.
    pub(super) holder_path: PathBuf,
    /// The file with the generation and the pending work.
    pub(super) record_path: PathBuf,
    pub(super) in_place: Option<InPlace>,
    /// The mode that a missing file will have.
    pub(super) mode: Option<u32>,
    /// The age at which a pid file is stale, in the scheme of that name.
    pub(super) stale_after: Option<Duration>,
    pub(super) process_lock: PerProcess<Mutex<Option<Arc<ProcessLock>>>>,
    /// Set if the directory is made with the first lock.
    pub(super) home: Option<Home>,
    /// Nothing is kept open for a next time.
    pub(super) closed: AtomicBool,
}

impl PathLock {
    /// Returns the lock of `target`, which is resolved already. If the lock is
    /// on `target` itself, `create` and `mode` say whether and how the file is
    /// made.
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
        scheme::mixed::report(operation, target, scheme);
        match scheme {
            Scheme::Sidecar => Ok(PathLock {
                mode,
                ..PathLock::at(target, sidecar::lock_path(target))
            }),
            Scheme::InPlace => Ok(PathLock {
                target: target.to_owned(),
                lock_path: target.to_owned(),
                holder_path: note::path_for(target),
                record_path: scheme::redo_path(target),
                in_place: Some(InPlace::new(target, create, mode)),
                mode,
                stale_after: None,
                process_lock: PerProcess::new(),
                home: None,
                closed: AtomicBool::new(false),
            }),
            Scheme::PidFile => {
                let lock = PathLock::at(target, sidecar::lock_path(target));
                Ok(PathLock {
                    record_path: pid_file::guard_path(&lock.lock_path),
                    stale_after: Some(choice.stale),
                    mode,
                    ..lock
                })
            }
        }
    }

    /// Puts the lock in a directory that may have to be made.
    pub fn in_home(self, home: Option<Home>) -> PathLock {
        PathLock { home, ..self }
    }

    /// Returns whether its directory was never made.
    pub fn is_homeless(&self, operation: &'static str) -> Result<bool> {
        match &self.home {
            Some(home) => home.is_missing(operation, &self.target),
            None => Ok(false),
        }
    }

    /// Returns the lock that is on exactly this lock file.
    pub fn at(target: &Path, lock_path: PathBuf) -> PathLock {
        PathLock {
            target: target.to_owned(),
            holder_path: note::path_beside(&lock_path),
            record_path: lock_path.clone(),
            lock_path,
            in_place: None,
            mode: None,
            stale_after: None,
            process_lock: PerProcess::new(),
            home: None,
            closed: AtomicBool::new(false),
        }
    }

    /// Closes the lock file, now or when its last holder releases the lock. A
    /// later lock opens it for that one time.
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

    /// Returns the file that this lock protects.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Returns the file that carries the lock.
    pub fn lock_path(&self) -> &Path {
        &self.lock_path
    }

    /// Returns the file with the generation and the pending work.
    pub fn record_path(&self) -> &Path {
        &self.record_path
    }

    pub fn scheme(&self) -> Scheme {
        match (&self.in_place, &self.stale_after) {
            (Some(_), _) => Scheme::InPlace,
            (None, Some(_)) => Scheme::PidFile,
            (None, None) => Scheme::Sidecar,
        }
    }

    pub fn holder_path(&self) -> &Path {
        &self.holder_path
    }

    /// Returns whether the lock is on the data, which then keeps its inode.
    pub fn is_in_place(&self) -> bool {
        self.in_place.is_some()
    }
}
