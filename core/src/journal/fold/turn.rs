//! Makes one turn of a fold, under the journal's lock.

use std::fmt;
use std::sync::Arc;

use super::cursor::{FoldCursor, Inner, Place};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::append::Batch;
use crate::journal::follow::{Advance, FollowCursor};
use crate::journal::read::OwnedRecord;
use crate::journal::read::{Damage, Record};
use crate::journal::rewrite::Under;
use crate::journal::syncs::Epoch;
use crate::lock::CallOptions;
use crate::oslock::Within;
use crate::position::Position;

/// Is one turn of a fold, under the journal's lock. Take in the records of
/// [`FoldTurn::next`], append, take in again, then call [`FoldTurn::finish`].
///
/// If it is dropped instead, the state is no longer trusted, and the next turn begins
/// with [`Folded::Restart`]. It may be sent to another thread.
///
/// ```
/// use untorn::{CallOptions, Folded, Journal};
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::open(dir.path().join("counter.jsonl"))?;
/// let cursor = journal.fold_cursor();
/// let mut total = 0;
///
/// let mut turn = cursor.begin(&CallOptions::new())?;
/// let mut batch = journal.batch();
/// batch.push(b"2")?;
/// turn.append(&batch)?;
/// while let Some(folded) = turn.next()? {
///     match folded {
///         Folded::Restart => total = 0,
///         Folded::Record(record) => total += record.bytes.len(),
///         _ => {}
///     }
/// }
/// turn.finish()?;
/// assert_eq!(total, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FoldTurn {
    pub(super) inner: Arc<Inner>,
    pub(super) under: Option<Under>,
    pub(super) onward: Option<Box<FollowCursor>>,
    /// The state must be made new before anything else.
    pub(super) restarts: bool,
    pub(super) rotations: u64,
    /// The bytes that the sync must cover.
    pub(super) written: Option<Epoch>,
}

impl FoldCursor {
    /// Takes the journal's lock for one turn. See [`FoldTurn`].
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `CANCELLED`, failures of the system. `DEADLOCK` if this thread
    /// has the lock, or if another turn is open under the same guard. `POISONED` if an
    /// earlier sync on the journal's handle failed.
    pub fn begin(&self, call: &CallOptions<'_>) -> Result<FoldTurn> {
        let inner = &self.inner;
        let under = Under::begin(&inner.handle, "fold", call)?;
        under.note_work(Within::Fold);
        // This also checks that a given guard is valid.
        under.run(&inner.handle, "fold", |_| Ok(()))?;
        let (onward, restarts) = match std::mem::replace(&mut *inner.place(), Place::Out) {
            Place::At(onward) => (onward, false),
            Place::Nowhere => (Box::new(FollowCursor::whole(&inner.handle.shared)), true),
            Place::Out => {
                return Err(Error::new(
                    ErrorKind::Deadlock,
                    "fold",
                    &inner.handle.path,
                    "another turn of this fold, under the same lock, has not ended yet",
                ));
            }
        };
        Ok(FoldTurn {
            rotations: onward.rotations(),
            inner: Arc::clone(inner),
            under: Some(under),
            onward: Some(onward),
            restarts,
            written: None,
        })
    }
}

/// Is the next step of a state.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Folded {
    /// Begin again: the records follow from the first on.
    Restart,
    /// The next record.
    Record(OwnedRecord),
}

pub(crate) enum Step {
    Restart,
    Record,
    End,
}

impl FoldTurn {
    /// Returns what the state must take in next; `None` if it is up to date.
    ///
    /// # Errors
    /// Failures of the system.
    #[expect(
        clippy::should_implement_trait,
        reason = "it fails, and goes on after an append"
    )]
    pub fn next(&mut self) -> Result<Option<Folded>> {
        Ok(match self.step()? {
            Step::Restart => Some(Folded::Restart),
            Step::Record => self.record().map(OwnedRecord::from).map(Folded::Record),
            Step::End => None,
        })
    }

    pub(crate) fn step(&mut self) -> Result<Step> {
        let Some(onward) = &mut self.onward else {
            return Ok(Step::End);
        };
        if std::mem::take(&mut self.restarts) {
            return Ok(Step::Restart);
        }
        let found = onward.step()?;
        // For a follower a rotation is not a rewind. But a state belongs to one file.
        let restarts =
            matches!(found, Advance::Rewound { .. }) || onward.rotations() != self.rotations;
        if restarts {
            **onward = FollowCursor::whole(&self.inner.handle.shared);
            self.rotations = onward.rotations();
            return Ok(Step::Restart);
        }
        Ok(match found {
            Advance::Record => Step::Record,
            _ => Step::End,
        })
    }

    /// Returns the record of the last step.
    pub(crate) fn record(&self) -> Option<Record<'_>> {
        self.onward.as_ref()?.record()
    }

    /// Returns an empty batch for [`FoldTurn::append`].
    #[must_use]
    pub fn batch(&self) -> Batch {
        Batch::new(&self.inner.handle.rules)
    }

    /// Appends a batch, all of it or nothing. [`FoldTurn::next`] then yields its
    /// records, after those that others appended before.
    ///
    /// # Errors
    /// As [`crate::Journal::append_batch`].
    pub fn append(&mut self, batch: &Batch) -> Result<Position> {
        let shared = &self.inner.handle;
        if !batch.is_for(&shared.rules) {
            return Err(Error::invalid_argument(
                "append",
                &shared.path,
                "the batch was made by another journal, and checked for that one",
            ));
        }
        let Some(under) = &self.under else {
            return Err(Error::internal(
                "append",
                &shared.path,
                "the turn has ended",
            ));
        };
        let written = under.run(shared, "append", |lock| {
            shared
                .state()
                .writer
                .commit(shared, lock, &batch.work(None), None)
        })?;
        if written.epoch.is_some() {
            self.written = written.epoch;
        }
        Ok(Position {
            generation: written.generation,
            offset: written.end,
        })
    }

    /// Returns the damage that was skipped since the last such call.
    pub fn take_damage(&mut self) -> Vec<Damage> {
        self.onward
            .as_mut()
            .map(|onward| onward.take_damage())
            .unwrap_or_default()
    }

    /// Notes that the state has taken in all that was yielded. Then releases the lock,
    /// and syncs what was appended. Returns the position up to which the state was
    /// folded.
    ///
    /// # Errors
    /// `NOT_DURABLE`: the records are in the file and the state is right, but a power
    /// cut may lose them.
    pub fn finish(mut self) -> Result<Position> {
        let Some(onward) = self.onward.take() else {
            return Err(Error::internal(
                "fold",
                &self.inner.handle.path,
                "the turn has ended",
            ));
        };
        let position = onward.position();
        // Some records may not be taken in yet: the next turn yields them. A state that
        // still must restart was not folded at all.
        *self.inner.place() = if self.restarts {
            Place::Nowhere
        } else {
            Place::At(onward)
        };
        self.under = None;
        if let Some(epoch) = self.written.take() {
            let shared = &self.inner.handle;
            epoch
                .sync(shared)
                .map_err(|why| why.after(shared, "append", "the records are in the file"))?;
        }
        Ok(position)
    }
}

impl Drop for FoldTurn {
    fn drop(&mut self) {
        // Before the lock is released.
        if self.onward.take().is_some() {
            *self.inner.place() = Place::Nowhere;
        }
    }
}

impl fmt::Debug for FoldTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoldTurn")
            .field("path", &self.inner.handle.path)
            .finish_non_exhaustive()
    }
}
