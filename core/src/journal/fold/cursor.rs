//! Keeps a fold's place in the journal, and yields the records to take in next. The
//! state itself is elsewhere: it may be a value of any language.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::journal::append::group_commit::Handle;
use crate::journal::follow::FollowCursor;
use crate::position::Position;
use crate::sys::PerProcess;

/// Keeps the place in a journal up to which a state was folded.
///
/// It is for bindings: [`crate::Fold`] is this and a state. Every change of the state
/// happens in a [`crate::FoldTurn`], which holds the journal's lock. So only one of all
/// threads and processes changes it at a time.
pub struct FoldCursor {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) handle: Arc<Handle>,
    /// A forked child has no state yet.
    pub(super) place: PerProcess<Mutex<Place>>,
}

pub(super) enum Place {
    /// The state was folded up to here.
    At(Box<FollowCursor>),
    /// A turn has it.
    Out,
    /// The fold has no state, or none that can be trusted.
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

    /// Returns whether the state is already up to date, as far as that can be known
    /// without the lock. Then no turn is needed.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn is_current(&self) -> Result<bool> {
        match &*self.inner.place() {
            Place::At(onward) => onward.is_at_end(),
            Place::Out | Place::Nowhere => Ok(false),
        }
    }

    /// Returns how far the state was folded; `None` if the fold has no state.
    pub fn position(&self) -> Option<Position> {
        match &*self.inner.place() {
            Place::At(onward) => Some(onward.position()),
            Place::Out | Place::Nowhere => None,
        }
    }

    /// Closes the file at once. The state is no longer trusted: the next turn begins
    /// with [`crate::Folded::Restart`]. A turn that has begun keeps its file.
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
