//! Keeps a fold's place in a journal, for bindings whose state is a value of another
//! language.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use untorn::engine::{self, Waiting};
use untorn::{Batch, CallOptions, Damage, Error, ErrorKind, Folded, Position};

use crate::fold_source::{FoldSource, NOTHING};
use crate::journal::Journal;

/// The time between two looks whether a wait was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// Keeps the place in a journal up to which a state was folded. It has the verbs of
/// [`untorn::FoldCursor`].
///
/// It is for bindings: [`crate::Fold`] does this with a state of Rust. The turns of one
/// cursor run one at a time. They lock nothing in the database.
pub struct FoldCursor {
    inner: Arc<Inner>,
}

struct Inner {
    journal: Journal,
    place: Mutex<Place>,
    ended: Condvar,
}

enum Place {
    /// The state was folded up to here.
    At(Box<FoldSource>),
    /// A turn has it, which this thread began.
    Out(ThreadId),
    /// The fold has no state, or none that can be trusted.
    Nowhere,
}

/// Is one turn of a fold. Take in the records of [`FoldTurn::next`], append, take in
/// again, then call [`FoldTurn::finish`].
///
/// If it is dropped instead, the state is no longer trusted, and the next turn begins
/// with [`Folded::Restart`]. It may be sent to another thread.
pub struct FoldTurn {
    inner: Arc<Inner>,
    /// `None`: the turn is over.
    source: Option<Box<FoldSource>>,
    /// The state must be made new before anything else.
    restarts: bool,
}

impl Journal {
    /// Begins a fold without a state of Rust.
    #[must_use]
    pub fn fold_cursor(&self) -> FoldCursor {
        FoldCursor {
            inner: Arc::new(Inner {
                journal: self.clone(),
                place: Mutex::new(Place::Nowhere),
                ended: Condvar::new(),
            }),
        }
    }
}

impl FoldCursor {
    /// Begins a turn. Waits for one that another thread has begun.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`; `CANCELLED`; `DEADLOCK` if this thread began a turn that has not
    /// ended; those of the database.
    pub fn begin(&self, call: &CallOptions<'_>) -> Result<FoldTurn, Error> {
        let name = self.inner.journal.name();
        let wait = Waiting::begin("fold", name, call, None)?;
        // A turn that another thread of the parent had would never end here.
        self.inner.journal.kept().link.here("fold", name)?;
        let mut place = self.inner.place();
        loop {
            wait.check("fold", name)?;
            let Place::Out(owner) = &*place else { break };
            if *owner == thread::current().id() {
                let why = "this thread has begun a turn of this fold, which has not ended yet";
                return Err(refused(ErrorKind::Deadlock, name, why));
            }
            let now = Instant::now();
            let left = wait
                .deadline()
                .map(|limit| limit.saturating_duration_since(now));
            if wait.tries_once() || left == Some(Duration::ZERO) {
                let why = "another turn of this fold did not end within the timeout";
                return Err(refused(ErrorKind::LockTimeout, name, why));
            }
            let pause = left.map_or(LOOK, |left| left.min(LOOK));
            place = self
                .inner
                .ended
                .wait_timeout(place, pause)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let was = std::mem::replace(&mut *place, Place::Out(thread::current().id()));
        drop(place);
        let (source, restarts) = match was {
            Place::At(source) => (source, false),
            _ => match FoldSource::begin(&self.inner.journal) {
                Ok(source) => (Box::new(source), true),
                Err(error) => {
                    self.inner.put(Place::Nowhere);
                    return Err(error);
                }
            },
        };
        Ok(FoldTurn {
            inner: Arc::clone(&self.inner),
            source: Some(source),
            restarts,
        })
    }

    /// Returns whether the state is already up to date. Then no turn is needed.
    ///
    /// # Errors
    /// Those of the database.
    pub fn is_current(&self) -> Result<bool, Error> {
        match self.position() {
            Some(position) => Ok(self.inner.journal.end()? == position),
            None => Ok(false),
        }
    }

    /// Returns how far the state was folded; `None` if the fold has no state.
    pub fn position(&self) -> Option<Position> {
        match &*self.inner.place() {
            Place::At(source) => source.position(),
            Place::Out(_) | Place::Nowhere => None,
        }
    }

    /// Trusts the state no longer: the next turn begins with [`Folded::Restart`].
    pub fn close(&self) {
        let mut place = self.inner.place();
        if matches!(&*place, Place::At(_)) {
            *place = Place::Nowhere;
        }
    }
}

impl Inner {
    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a turn.
    fn put(&self, place: Place) {
        *self.place() = place;
        self.ended.notify_one();
    }
}

impl FoldTurn {
    /// Returns what the state must take in next; `None` if it is up to date.
    ///
    /// # Errors
    /// Those of the database.
    #[expect(
        clippy::should_implement_trait,
        reason = "it fails, and goes on after an append"
    )]
    pub fn next(&mut self) -> Result<Option<Folded>, Error> {
        let Some(source) = &mut self.source else {
            return Ok(None);
        };
        if std::mem::take(&mut self.restarts) {
            return Ok(Some(Folded::Restart));
        }
        source.next(&CallOptions::new())
    }

    /// Returns the damage that was skipped since the last such call.
    pub fn take_damage(&mut self) -> Vec<Damage> {
        let source = self.source.as_mut();
        source.map_or_else(Vec::new, |source| source.take_damage())
    }

    /// Returns an empty batch for [`FoldTurn::append`].
    #[must_use]
    pub fn batch(&self) -> Batch {
        self.inner.journal.batch()
    }

    /// Appends a batch where the state ends, all of it or nothing. [`FoldTurn::next`]
    /// yields its records.
    ///
    /// # Errors
    /// `CONFLICT` if the journal goes on after the state, which another process may have
    /// done at any time: take that in, and decide again. As [`Journal::append_batch`].
    pub fn append(&mut self, batch: &Batch) -> Result<Position, Error> {
        self.append_with(batch, &CallOptions::new())
    }

    /// Appends as [`FoldTurn::append`] does, with a way to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn append_with(
        &mut self,
        batch: &Batch,
        call: &CallOptions<'_>,
    ) -> Result<Position, Error> {
        let journal = &self.inner.journal;
        let Some(source) = &self.source else {
            let why = "the turn is over";
            return Err(Error::invalid_argument("append", journal.name(), why));
        };
        journal.append_batch(batch, Some(source.position().unwrap_or(NOTHING)), call)
    }

    /// Ends the turn: the state has all that was yielded. Returns the position up to
    /// which it is folded.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` after the end.
    pub fn finish(mut self) -> Result<Position, Error> {
        let Some(source) = self.source.take() else {
            let why = "the turn is over";
            return Err(Error::invalid_argument(
                "fold",
                self.inner.journal.name(),
                why,
            ));
        };
        let position = source.position();
        let place = match self.restarts || position.is_none() {
            true => Place::Nowhere,
            false => Place::At(source),
        };
        self.inner.put(place);
        Ok(position.unwrap_or(NOTHING))
    }
}

#[cold]
fn refused(kind: ErrorKind, name: &std::path::Path, why: &str) -> Error {
    let known = engine::Failure {
        detail: why.to_owned(),
        ..Default::default()
    };
    engine::error(kind, "fold", name, known)
}

impl Drop for FoldTurn {
    fn drop(&mut self) {
        if self.source.take().is_some() {
            self.inner.put(Place::Nowhere);
        }
    }
}

impl fmt::Debug for FoldCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoldCursor")
            .field("journal", &self.inner.journal)
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for FoldTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoldTurn")
            .field("journal", &self.inner.journal)
            .finish_non_exhaustive()
    }
}
