//! The state that the users of one document handle share, and the lock of a change.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::option_fields::DocumentOptions;
use super::version::{Expect, Version};
use super::{in_place, replace};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{CallOptions, GuardState, lost_lock};
use crate::oslock::LockFile;
use crate::oslock::{PathLock, RawGuard};
use crate::sys;
use crate::temporary;

pub(super) struct Shared {
    /// The path with every symbolic link resolved.
    pub(super) path: PathBuf,
    /// The absolute path, with the caller's symbolic links.
    pub(super) given: PathBuf,
    pub(super) options: DocumentOptions,
    pub(super) lock: PathLock,
    pub(super) closed: AtomicBool,
}

/// The lock that a change is made under.
pub(super) enum Under {
    Own(RawGuard),
    Given(Arc<GuardState>),
}

impl Shared {
    /// Takes the lock for one change.
    pub(super) fn enter(&self, operation: &'static str, call: &CallOptions<'_>) -> Result<Under> {
        if !self.lock.is_in_place() {
            // Before the lock, so that others need not wait for the sweep.
            temporary::sweep(&self.path);
        }
        if let Some(given) = self.given(operation, call)? {
            return Ok(given);
        }
        let wait = call.begin(self.options.timeout);
        let held = self.lock.acquire(operation, false, &wait)?;
        Ok(Under::Own(held))
    }

    /// Takes the lock for a removal; `None` if the document is missing, so that
    /// nothing needs the lock.
    pub(super) fn enter_if_there(
        &self,
        operation: &'static str,
        call: &CallOptions<'_>,
    ) -> Result<Option<Under>> {
        if let Some(given) = self.given(operation, call)? {
            return Ok(Some(given));
        }
        let wait = call.begin(self.options.timeout);
        let held = self.lock.acquire_if_there(operation, false, &wait)?;
        Ok(held.map(Under::Own))
    }

    /// Returns the caller's lock, if the call works under one.
    pub(super) fn given(
        &self,
        operation: &'static str,
        call: &CallOptions<'_>,
    ) -> Result<Option<Under>> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::invalid_argument(
                operation,
                &self.path,
                "the document is closed",
            ));
        }
        Ok(call.guard().map(|kept| Under::Given(Arc::clone(kept))))
    }

    pub(super) fn save_under(
        &self,
        under: &Under,
        operation: &'static str,
        bytes: &[u8],
        expect: Expect,
    ) -> Result<Version> {
        let save = |lock: LockFile<'_>| self.save(lock, operation, bytes, expect);
        under.work(operation, self, save)?;
        Ok(Version::of(bytes))
    }

    fn save(
        &self,
        lock: LockFile<'_>,
        operation: &'static str,
        bytes: &[u8],
        expect: Expect,
    ) -> Result<()> {
        if !self.lock.is_in_place() {
            self.forbid_link(operation)?;
            self.check(operation, expect, lock)?;
            return replace::replace(&self.path, bytes, &self.options, expect == Expect::Absent);
        }
        let old = self.load_under(operation, lock)?;
        self.compare(operation, expect, || {
            Ok(old.as_ref().map(|(_, version)| *version))
        })?;
        let old = old.map_or(Vec::new(), |(bytes, _)| bytes);
        in_place::save(&self.path, lock, &old, bytes, self.options.durability)
    }

    /// Refuses a symbolic link in the document's place. The path is resolved, so
    /// the link is newer than the open, and its target has another lock.
    pub(super) fn forbid_link(&self, operation: &'static str) -> Result<()> {
        let os_error = |error| Error::os(operation, &self.path, error);
        match sys::look(&self.path).map_err(os_error)? {
            Some(seen) if seen.is_link => Err(os_error(sys::InTheWay::Link.into_error())),
            _ => Ok(()),
        }
    }

    pub(super) fn remove(&self, lock: LockFile<'_>, expect: Expect) -> Result<bool> {
        let durability = self.options.durability;
        if !self.lock.is_in_place() {
            self.check("remove", expect, lock)?;
            return replace::remove(&self.path, durability);
        }
        let old = self.load_under("remove", lock)?;
        self.compare("remove", expect, || {
            Ok(old.as_ref().map(|(_, version)| *version))
        })?;
        let Some((old, _)) = old else {
            return Ok(false);
        };
        in_place::remove(&self.path, lock, &old, durability)?;
        Ok(true)
    }

    /// Checks that the document is as the caller expects.
    pub(super) fn check(
        &self,
        operation: &'static str,
        expect: Expect,
        lock: LockFile<'_>,
    ) -> Result<()> {
        if expect == Expect::Absent {
            // Any version will do: only the existence matters, so nothing is
            // read.
            let stat = sys::stat(&self.path);
            let stat = stat.map_err(|error| Error::os(operation, &self.path, error))?;
            return self.compare(operation, expect, || Ok(stat.map(|_| Version::of(&[]))));
        }
        self.compare(operation, expect, || {
            let now = self.load_under(operation, lock)?;
            Ok(now.map(|(_, version)| version))
        })
    }

    /// Checks a version against the caller's. Calls `version` only if it matters.
    pub(super) fn compare(
        &self,
        operation: &'static str,
        expect: Expect,
        version: impl FnOnce() -> Result<Option<Version>>,
    ) -> Result<()> {
        let refuse = |kind, detail: String| Err(Error::new(kind, operation, &self.path, detail));
        match expect {
            Expect::Anything => Ok(()),
            Expect::Absent => match version()? {
                None => Ok(()),
                Some(_) => refuse(
                    ErrorKind::AlreadyExists,
                    "the document already exists; nothing was changed".to_owned(),
                ),
            },
            Expect::Version(expected) => match version()? {
                Some(actual) if actual == expected => Ok(()),
                Some(actual) => refuse(
                    ErrorKind::Conflict,
                    format!(
                        "the document is version {actual}, not {expected}: others have saved it \
                         meanwhile; load it and try again"
                    ),
                ),
                None => refuse(
                    ErrorKind::Conflict,
                    format!("the document does not exist, and version {expected} was expected"),
                ),
            },
        }
    }
}

impl Under {
    /// Checks that the lock is still ours. A long-held lock may be lost.
    pub(super) fn make_sure(&self, operation: &'static str, shared: &Shared) -> Result<()> {
        match self {
            Under::Own(held) if held.is_ours() && !shared.lock.names(operation, held)? => {
                Err(lost_lock(operation, &shared.path))
            }
            _ => Ok(()),
        }
    }

    /// Works under the lock, once it is verified and for as long as it takes.
    pub(super) fn work<T>(
        &self,
        operation: &'static str,
        shared: &Shared,
        work: impl FnOnce(LockFile<'_>) -> Result<T>,
    ) -> Result<T> {
        match self {
            Under::Own(held) if held.is_ours() => work(held.lock_file()),
            Under::Own(_) => Err(Error::invalid_argument(
                operation,
                &shared.path,
                "the lock belongs to the process that this one was forked from",
            )),
            Under::Given(kept) => match &*kept.work(operation, &shared.path, &shared.lock)? {
                Some(held) => work(held.lock_file()),
                None => Err(Error::internal(operation, &shared.path, "the lock is gone")),
            },
        }
    }
}
