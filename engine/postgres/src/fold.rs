//! A state that is kept from the records of a journal in the database.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use untorn::engine;
use untorn::{Batch, CallOptions, Error, ErrorKind, Folded, Position, Record};

use crate::fold_source::FoldSource;
use crate::journal::Journal;

type BoxError = Box<dyn StdError + Send + Sync>;
type Apply<S> = dyn Fn(&mut S, &Record<'_>) -> Result<(), BoxError> + Send + Sync;

/// A state that is kept from the records of a journal. It has the verbs of
/// [`untorn::Fold`].
///
/// `apply` is called once for each record, in order, whichever process appended it.
/// After a rewrite of the journal it begins again with a new state. No lock is held:
/// [`Fold::update`] appends where the state ends, and decides again if another process
/// appended first.
///
/// If `apply` fails, the call fails with `INVALID_RECORD` and the record's position, and
/// the next call makes the state again.
pub struct Fold<S> {
    journal: Journal,
    initial: Box<dyn Fn() -> S + Send + Sync>,
    apply: Box<Apply<S>>,
    /// `None`: made again by the next call.
    place: Mutex<Option<Place<S>>>,
}

struct Place<S> {
    state: S,
    source: FoldSource,
}

impl Journal {
    /// Keeps a state from the records. `apply` is called once for each record, in order,
    /// whichever process appends it: see [`Fold`].
    ///
    /// # Errors
    /// As [`Fold::refresh`], which is done once.
    pub fn fold<S, E>(
        &self,
        initial: impl Fn() -> S + Send + Sync + 'static,
        apply: impl Fn(&mut S, &Record<'_>) -> Result<(), E> + Send + Sync + 'static,
    ) -> Result<Fold<S>, Error>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Fold::begin(self.clone(), initial, apply)
    }
}

impl<S> Fold<S> {
    pub(crate) fn begin<E: Into<BoxError>>(
        journal: Journal,
        initial: impl Fn() -> S + Send + Sync + 'static,
        apply: impl Fn(&mut S, &Record<'_>) -> Result<(), E> + Send + Sync + 'static,
    ) -> Result<Fold<S>, Error> {
        let fold = Fold {
            journal,
            initial: Box::new(initial),
            apply: Box::new(move |state, record| apply(state, record).map_err(Into::into)),
            place: Mutex::new(None),
        };
        fold.refresh(&CallOptions::new())?;
        Ok(fold)
    }

    /// Takes in what was appended since. Returns the position up to which the state was
    /// folded.
    ///
    /// # Errors
    /// `INVALID_RECORD` if `apply` failed; `CANCELLED`; those of the database.
    pub fn refresh(&self, call: &CallOptions<'_>) -> Result<Position, Error> {
        let mut place = self.place();
        self.take_in(&mut place, call)
    }

    /// Reads the state as it is now. Call `refresh` first to take in what others have
    /// appended.
    ///
    /// # Errors
    /// If the fold has no state (`apply` failed before), those of [`Fold::refresh`].
    pub fn read<R>(&self, look: impl FnOnce(&S) -> R) -> Result<R, Error> {
        let mut place = self.place();
        if place.is_none() {
            self.take_in(&mut place, &CallOptions::new())?;
        }
        match &*place {
            Some(place) => Ok(look(&place.state)),
            None => Err(Error::internal("fold", self.journal.name(), "no state")),
        }
    }

    /// Appends a record and takes it in, after all that others appended before.
    ///
    /// # Errors
    /// As [`Journal::append`] and [`Fold::refresh`]. After an `INVALID_RECORD` of `apply`
    /// the record is in the journal.
    pub fn append(&self, record: &[u8]) -> Result<Position, Error> {
        let mut batch = self.batch();
        batch.push(record)?;
        self.append_batch(&batch, &CallOptions::new())
    }

    /// Returns an empty batch for [`Fold::append_batch`].
    #[must_use]
    pub fn batch(&self) -> Batch {
        self.journal.batch()
    }

    /// Appends a batch, all of it or nothing, and takes it in.
    ///
    /// # Errors
    /// As [`Fold::append`], and `CANCELLED`.
    pub fn append_batch(&self, batch: &Batch, call: &CallOptions<'_>) -> Result<Position, Error> {
        let end = self.journal.append_batch(batch, None, call)?;
        self.refresh(call)?;
        Ok(end)
    }

    /// Decides by the state what to append, and appends it, if no other process appended
    /// in between. Else it decides again. None: nothing is appended.
    ///
    /// # Errors
    /// The error of `decide`, and then nothing was appended; the errors of
    /// [`Fold::append`].
    pub fn update<I, E>(&self, decide: impl FnMut(&S) -> Result<I, E>) -> Result<Position, E>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
        E: From<Error>,
    {
        self.update_with(decide, &CallOptions::new())
    }

    /// Does the same as [`Fold::update`], with a way to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn update_with<I, E>(
        &self,
        mut decide: impl FnMut(&S) -> Result<I, E>,
        call: &CallOptions<'_>,
    ) -> Result<Position, E>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
        E: From<Error>,
    {
        let mut place = self.place();
        loop {
            let at = self.take_in(&mut place, call)?;
            let Some(now) = &*place else {
                return Err(Error::internal("fold", self.journal.name(), "no state").into());
            };
            let mut batch = self.batch();
            for record in decide(&now.state)? {
                batch.push(record.as_ref())?;
            }
            if batch.is_empty() {
                return Ok(at);
            }
            match self.journal.append_batch(&batch, Some(at), call) {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => {
                    let end = done?;
                    self.take_in(&mut place, call)?;
                    return Ok(end);
                }
            }
        }
    }

    /// Returns how far the state was folded; `None` if the fold has no state.
    pub fn position(&self) -> Option<Position> {
        self.place().as_ref()?.source.position()
    }

    fn place(&self) -> MutexGuard<'_, Option<Place<S>>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_in(
        &self,
        place: &mut Option<Place<S>>,
        call: &CallOptions<'_>,
    ) -> Result<Position, Error> {
        // Taken out: if `apply` fails or panics, it is gone.
        let mut now = match place.take() {
            Some(now) => now,
            None => Place {
                source: FoldSource::begin(&self.journal)?,
                state: (self.initial)(),
            },
        };
        loop {
            match now.source.next(call) {
                Ok(None) => break,
                Ok(Some(Folded::Record(record))) => {
                    let record = Record {
                        bytes: &record.bytes,
                        start: record.start,
                        end: record.end,
                    };
                    (self.apply)(&mut now.state, &record)
                        .map_err(|error| self.refused(&record, error))?;
                }
                Ok(Some(_)) => now.state = (self.initial)(),
                Err(error) => {
                    // The part that it took in stays.
                    *place = Some(now);
                    return Err(error);
                }
            }
        }
        let place = place.insert(now);
        let end = place.source.position();
        end.ok_or_else(|| Error::internal("fold", self.journal.name(), "no position"))
    }

    #[cold]
    fn refused(&self, record: &Record<'_>, error: BoxError) -> Error {
        let known = engine::Failure {
            detail: format!(
                "apply did not take the record at {}: {error}; the record is in the journal, and the next \
                 call makes the state again",
                record.start
            ),
            position: Some(record.start),
            source: Some(error),
            ..Default::default()
        };
        engine::error(ErrorKind::InvalidRecord, "fold", self.journal.name(), known)
    }
}

impl<S> fmt::Debug for Fold<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fold")
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}
