//! The lock while it is held, its file, and what is kept of it at hand for a next time.

use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use super::caller::ThreadKey;
use super::gate::Gate;
use super::path_lock::PathLock;
use super::scheme::{Redo, Scheme};
use crate::error::{Error, ErrorKind, Result};
use crate::lockfile::{self, Generation, IDLE};
use crate::sys::{self, File};

/// A lock that is held; dropping it lets it go.
pub(crate) struct Held {
    pub(crate) gate: Arc<Gate>,
    pub(crate) thread: ThreadKey,
    pub(crate) shared: bool,
    pub(crate) lock_size: u64,
    /// The lock file's permission bits.
    pub(crate) mode: u32,
    pub(crate) redo: Option<Arc<Redo>>,
}

impl Held {
    #[inline]
    pub fn lock_file(&self) -> LockFile<'_> {
        LockFile {
            gate: &self.gate,
            redo: self.redo.as_deref(),
        }
    }

    /// Whether the lock file holds more than the generation.
    pub fn has_pending(&self) -> bool {
        self.lock_size > IDLE
    }

    /// What was pending is settled.
    pub fn settled(&mut self) {
        self.lock_size = self.lock_size.min(IDLE);
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

/// The lock file of a lock that is held: its content is the holder's. Where the
/// lock is on the data itself, `P.redo` is in its place.
#[derive(Clone, Copy)]
pub(crate) struct LockFile<'a> {
    pub(crate) gate: &'a Arc<Gate>,
    pub(crate) redo: Option<&'a Redo>,
}

impl<'a> LockFile<'a> {
    /// The file, made if it is not there.
    pub fn file(&self) -> io::Result<&'a File> {
        match self.redo {
            Some(redo) => redo.file(),
            None => Ok(self.gate.file()),
        }
    }

    /// Whether it was written by this library, or there is nothing in it; and by
    /// somebody who may be believed. If not, it is a lock and no more: what it
    /// says is not acted upon, and nothing is written to it.
    pub fn is_ours(&self) -> io::Result<bool> {
        let file = self.file()?;
        let ours = match self.redo {
            Some(_) => lockfile::is_our_redo(file)?,
            None => lockfile::is_ours(file)?,
        };
        Ok(ours && file.may_be_believed(self.target())?)
    }

    /// The same for one who is about to write to it.
    pub fn check_ours(&self, operation: &'static str) -> Result<()> {
        let told = |error| Error::os(operation, self.path(), error);
        if self.is_ours().map_err(told)? {
            return Ok(());
        }
        let refuse = |kind, why| Err(Error::new(kind, operation, self.path(), why));
        let file = self.file().map_err(told)?;
        if file.may_be_believed(self.target()).map_err(told)? {
            return refuse(
                ErrorKind::Corrupt,
                "this was not written by untorn, and is not overwritten; nothing was changed",
            );
        }
        refuse(
            ErrorKind::PermissionDenied,
            "this belongs to a user, or can be written by users, who have no right to what it is \
             beside; so it is only locked, nothing is written to it, and nothing was changed: \
             while no program uses it, remove it",
        )
    }

    /// What it lies beside.
    pub fn target(&self) -> &'a Path {
        match self.redo {
            Some(redo) => redo.target(),
            None => &self.gate.target,
        }
    }

    /// What it says of the generation; `None` if nothing that can be believed.
    pub fn generation(&self) -> io::Result<Option<Generation>> {
        // Whatever its size was: a rewrite under this lock may have made it.
        let file = match self.redo {
            Some(redo) => redo.if_there()?,
            None => Some(self.gate.file()),
        };
        match file {
            Some(file) if file.may_be_believed(self.target())? => lockfile::read_generation(file),
            _ => Ok(None),
        }
    }

    /// Records the generation, if this lock file can keep one. `false`: it can't.
    pub fn record_generation(&self, generation: Generation) -> bool {
        let record = || {
            let ours = self.is_writable() && self.is_ours()?;
            if ours {
                lockfile::write_generation(self.file()?, generation)?;
            }
            Ok::<bool, io::Error>(ours)
        };
        record().unwrap_or(false)
    }

    /// The data itself, where the lock is on it: others can't write it
    /// meanwhile, nor, on some systems, can other descriptors of ours.
    pub fn data(&self) -> Option<&'a File> {
        self.redo.map(|_| self.gate.file())
    }

    /// The same, for longer than the lock.
    pub fn keep_data(&self) -> Option<LockedData> {
        self.redo.map(|_| LockedData(Arc::clone(self.gate)))
    }

    pub fn may_write_data(&self) -> bool {
        self.gate.may_be_written()
    }

    /// Whether recovery records can be kept.
    pub fn is_writable(&self) -> bool {
        self.redo.is_some() || self.gate.may_be_written()
    }

    pub fn path(&self) -> &'a Path {
        match self.redo {
            Some(redo) => redo.path(),
            None => &self.gate.lock_path,
        }
    }
}

/// Data that carries its own lock, open. To be changed under the lock only.
pub(crate) struct LockedData(Arc<Gate>);

impl Deref for LockedData {
    type Target = File;

    #[inline]
    fn deref(&self) -> &File {
        self.0.file()
    }
}

/// A lock file that was locked before, kept at hand.
#[derive(Default)]
pub(crate) struct AtHand(Option<Arc<Gate>>);

impl AtHand {
    /// Keeps the lock file of this lock. (One that is on the data itself is
    /// taken anew each time: its file is known by its name.)
    pub fn keep(&mut self, held: &Held) {
        if held.is_in_place() {
            return;
        }
        let same = self
            .0
            .as_ref()
            .is_some_and(|gate| Arc::ptr_eq(gate, &held.gate));
        if !same {
            self.0 = Some(Arc::clone(&held.gate));
        }
    }

    /// Takes the lock if that takes one try and nothing is the matter with its
    /// file; whoever gets `None` asks `PathLock::acquire`, which finds out
    /// why. The way of an append that is alone: no count is touched that other
    /// threads share, and nothing is looked up.
    #[inline]
    pub fn try_again(&self, lock: &PathLock) -> Option<HeldBriefly<'_>> {
        self.try_if(lock, |size| size <= IDLE)
    }

    /// The same for a header stamp, which is content with what a stamp leaves: zeros
    /// in the place of the record's first bytes. To cut the file costs more than all
    /// else that a stamp does.
    pub fn try_to_stamp(&self, lock: &PathLock) -> Option<HeldBriefly<'_>> {
        let gate = self.0.as_ref()?;
        self.try_if(lock, |size| {
            size <= IDLE || lockfile::is_cleared(gate.file()).unwrap_or(false)
        })
    }

    #[inline]
    fn try_if(
        &self,
        lock: &PathLock,
        settled: impl FnOnce(u64) -> bool,
    ) -> Option<HeldBriefly<'_>> {
        let gate = self.0.as_ref().filter(|gate| gate.is_ours())?;
        let thread = ThreadKey::current();
        if !gate.try_acquire(thread) {
            return None;
        }
        let held = HeldBriefly { gate, thread };
        // By the name that this handle knows: the gate may be that of others too.
        let seen = sys::look(lock.record_path()).ok()??;
        (seen.id == gate.id() && settled(seen.size)).then_some(held)
    }
}

/// A lock that is held for one append; dropping it lets it go.
pub(crate) struct HeldBriefly<'a> {
    gate: &'a Arc<Gate>,
    thread: ThreadKey,
}

impl HeldBriefly<'_> {
    #[inline]
    pub fn lock_file(&self) -> LockFile<'_> {
        LockFile {
            gate: self.gate,
            redo: None,
        }
    }
}

impl Drop for HeldBriefly<'_> {
    #[inline]
    fn drop(&mut self) {
        self.gate.release(self.thread);
    }
}
