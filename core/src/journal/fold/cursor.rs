//! How far a fold's state is, and what it has to take in next: without the
//! state itself, which may be a value of any language.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::journal::append::group_commit::Handle;
use crate::journal::follow::Onward;
use crate::position::Position;
use crate::sys::PerProcess;

/// The place in a journal up to which a state was folded.
///
/// For bindings: [`crate::Fold`] is this and a state. All that happens to the
/// state happens in a [`crate::FoldTurn`], which holds the journal's lock, so there is
/// one at a time among all threads and processes.
pub struct FoldCursor {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) handle: Arc<Handle>,
    /// A forked child has no state yet.
    pub(super) place: PerProcess<Mutex<Place>>,
}

pub(super) enum Place {
    /// Up to here the state was folded.
    At(Box<Onward>),
    /// A turn has it.
    Out,
    /// There is no state, or none that can be trusted.
    Nowhere,
}

impl FoldCursor {
    pub(crate) fn new(handle: &Arc<Handle>) -> FoldCursor {
        FoldCursor {
            inner: Arc::new(Inner {
                handle: Arc::clone(handle),
                place: PerProcess::new(),
            }),
        }
    }

    /// Whether the state is up to date already, as far as that can be known
    /// without the lock: then a turn can be spared.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn is_current(&self) -> Result<bool> {
        match &*self.inner.place() {
            Place::At(onward) => onward.is_at_end(),
            Place::Out | Place::Nowhere => Ok(false),
        }
    }

    /// Up to where the state was folded; `None` if there is none.
    pub fn position(&self) -> Option<Position> {
        match &*self.inner.place() {
            Place::At(onward) => Some(onward.position()),
            Place::Out | Place::Nowhere => None,
        }
    }

    /// Lets the file go at once. The state is not trusted any more: the next turn
    /// begins with [`crate::Folded::Restart`]. A turn that has begun keeps its file.
    pub fn close(&self) {
        let mut place = self.inner.place();
        if matches!(&*place, Place::At(_)) {
            *place = Place::Nowhere;
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Handle> {
        &self.inner.handle
    }
}

impl Inner {
    pub(super) fn place(&self) -> MutexGuard<'_, Place> {
        self.place
            .get(|| Mutex::new(Place::Nowhere))
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FoldCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoldCursor")
            .field("path", &self.inner.handle.path)
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}
