//! A lock that is taken again and again by one handle.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::gate::Gate;
use super::in_place::Redo;
use super::path_lock::Held;
use super::record;
use super::turn::ThreadKey;
use crate::fs::File;

/// The lock file of a lock that is held: its content is the holder's. Where the
/// lock is on the data itself, `P.redo` is in its place.
#[derive(Clone, Copy)]
pub(crate) struct LockFile<'a> {
    pub(super) gate: &'a Arc<Gate>,
    /// How long it was when the lock was taken; 0 if there was none.
    pub size: u64,
    pub(super) redo: Option<&'a Redo>,
}

impl<'a> LockFile<'a> {
    /// The file, made if it is not there.
    pub fn file(&self) -> io::Result<&'a File> {
        match self.redo {
            Some(redo) => redo.file(),
            None => Ok(self.gate.file()),
        }
    }

    /// The same for one who only wants to read it: `None` if it is not there.
    pub fn file_if_there(&self) -> io::Result<Option<&'a File>> {
        match self.redo {
            Some(redo) if self.size == 0 && !redo.is_open() => Ok(None),
            _ => self.file().map(Some),
        }
    }

    /// Whether recovery records can be kept.
    pub fn is_writable(&self) -> bool {
        self.redo.is_some() || self.gate.writable
    }

    pub fn path(&self) -> &'a Path {
        match self.redo {
            Some(redo) => redo.path(),
            None => &self.gate.lock_path,
        }
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
    /// file; whoever gets `None` asks [`super::PathLock::acquire`], which finds out
    /// why. The way of an append that is alone: no count is touched that other
    /// threads share, and nothing is looked up.
    #[inline]
    pub fn try_again(&self) -> Option<HeldBriefly<'_>> {
        self.try_whatever_is_pending()
            .filter(|held| held.lock_size <= record::IDLE)
    }

    /// The same, but it is for the caller to see to it that nothing is pending
    /// where the lock file is longer than [`record::IDLE`].
    #[inline]
    pub fn try_whatever_is_pending(&self) -> Option<HeldBriefly<'_>> {
        let gate = self.0.as_ref().filter(|gate| gate.is_ours())?;
        let thread = ThreadKey::current();
        if !gate.try_acquire(thread) {
            return None;
        }
        let mut held = HeldBriefly {
            gate,
            thread,
            lock_size: 0,
        };
        let (links, size) = gate.file().links_and_size().ok()?;
        held.lock_size = size;
        (links > 0).then_some(held)
    }
}

/// A lock that is held for one append; dropping it lets it go.
pub(crate) struct HeldBriefly<'a> {
    gate: &'a Arc<Gate>,
    thread: ThreadKey,
    lock_size: u64,
}

impl HeldBriefly<'_> {
    #[inline]
    pub fn lock_file(&self) -> LockFile<'_> {
        LockFile {
            gate: self.gate,
            size: self.lock_size,
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
