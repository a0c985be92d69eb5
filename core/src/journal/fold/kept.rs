//! Keeps a state from the records of a journal.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use super::cursor::FoldCursor;
use super::turn::{FoldTurn, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::append::Batch;
use crate::journal::read::Record;
use crate::lock::CallOptions;
use crate::position::Position;
use crate::sys::PerProcess;

type BoxError = Box<dyn StdError + Send + Sync>;
type Apply<S> = dyn Fn(&mut S, &Record<'_>) -> std::result::Result<(), BoxError> + Send + Sync;

/// A state that is kept from the records of a journal.
///
/// `apply` is called once for each record, in file order, whichever process appended
/// it. After the journal was rewound, rewritten, rotated or replaced, it begins again
/// with a new state and the first record. The state changes only under the journal's
/// lock, and after the file did. So it always matches the file, whatever threads and
/// processes do at once.
///
/// Records from elsewhere ([`crate::Journal::append`], other processes) are taken in by
/// the next [`Fold::refresh`], [`Fold::append`] or [`Fold::update`]. A forked child
/// begins with a state of its own.
///
/// If `apply` fails (or panics), the call fails too, with `INVALID_RECORD` and the
/// record's position; its source is the error of `apply`. A record that was appended stays in the journal. The state is
/// discarded, since `apply` may have changed half of it, and the next call makes it
/// again. A record that `apply` always refuses fails each time: to skip it, `apply`
/// must return `Ok`. `apply` must not use the fold itself, nor append to the journal.
///
/// ```
/// use untorn::Journal;
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::open(dir.path().join("usage.jsonl"))?;
/// let tokens = journal.fold(
///     || 0_u64,
///     |total, record| {
///         let value: serde_json::Value = serde_json::from_slice(record.bytes)?;
///         *total += value["tokens"].as_u64().unwrap_or(0);
///         Ok::<(), serde_json::Error>(())
///     },
/// )?;
/// tokens.append(br#"{"tokens":120}"#)?;
/// // Only while budget is left, whichever process appends meanwhile:
/// tokens.update(|total| {
///     let fits = *total + 50 <= 200;
///     Ok::<_, untorn::Error>(fits.then_some(br#"{"tokens":50}"#))
/// })?;
/// assert_eq!(tokens.read(|total| *total)?, 170);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Fold<S> {
    cursor: FoldCursor,
    initial: Box<dyn Fn() -> S + Send + Sync>,
    apply: Box<Apply<S>>,
    local: PerProcess<Local<S>>,
}

struct Local<S> {
    /// `None` if it must be made again.
    state: Mutex<Option<S>>,
    /// The thread that has the state.
    user: Mutex<Option<ThreadId>>,
}

impl<S> Fold<S> {
    pub(crate) fn begin<E: Into<BoxError>>(
        cursor: FoldCursor,
        initial: impl Fn() -> S + Send + Sync + 'static,
        apply: impl Fn(&mut S, &Record<'_>) -> std::result::Result<(), E> + Send + Sync + 'static,
    ) -> Result<Fold<S>> {
        let fold = Fold {
            cursor,
            initial: Box::new(initial),
            apply: Box::new(move |state, record| apply(state, record).map_err(Into::into)),
            local: PerProcess::new(),
        };
        fold.refresh(&CallOptions::new())?;
        Ok(fold)
    }

    /// Takes in what was appended since; waits for the lock only if something was.
    /// Returns the position up to which the state was folded.
    ///
    /// # Errors
    /// `INVALID_RECORD` if `apply` failed. `LOCK_TIMEOUT`, `CANCELLED` and failures of
    /// the system: the state is as it was.
    pub fn refresh(&self, call: &CallOptions<'_>) -> Result<Position> {
        if self.cursor.is_current()?
            && let Some(position) = self.cursor.position()
        {
            return Ok(position);
        }
        let mut turn = self.cursor.begin(call)?;
        self.take_in(&mut turn)?;
        turn.finish()
    }

    /// Reads the state as it is now. Call `refresh` first to take in what others have
    /// appended. No other thread changes the state during `look`.
    ///
    /// # Errors
    /// `DEADLOCK` from within `look` or `apply`. If the fold has no state (`apply`
    /// failed before), the errors of [`Fold::refresh`].
    pub fn read<R>(&self, look: impl FnOnce(&S) -> R) -> Result<R> {
        let mut state = self.state()?;
        if state.guard.is_none() {
            drop(state);
            self.refresh(&CallOptions::new())?;
            state = self.state()?;
        }
        match &*state.guard {
            Some(value) => Ok(look(value)),
            None => Err(Error::internal(
                "fold",
                &self.cursor.shared().path,
                "another thread's apply failed meanwhile; try again",
            )),
        }
    }

    /// Appends a record and takes it in, after all that others appended before.
    ///
    /// # Errors
    /// As [`crate::Journal::append`] and [`Fold::refresh`]. After an `INVALID_RECORD`
    /// of `apply` the record is in the journal.
    pub fn append(&self, record: &[u8]) -> Result<Position> {
        let mut batch = self.batch();
        batch.push(record)?;
        self.append_batch(&batch, &CallOptions::new())
    }

    /// Returns an empty batch for [`Fold::append_batch`].
    #[must_use]
    pub fn batch(&self) -> Batch {
        Batch::new(&self.cursor.shared().rules)
    }

    /// Appends a batch, all of it or nothing, and takes it in.
    ///
    /// # Errors
    /// As [`Fold::append`], and `CANCELLED`.
    pub fn append_batch(&self, batch: &Batch, call: &CallOptions<'_>) -> Result<Position> {
        let mut turn = self.cursor.begin(call)?;
        let end = turn.append(batch)?;
        self.take_in(&mut turn)?;
        turn.finish()?;
        Ok(end)
    }

    /// Decides by the state what to append, and appends it, under one lock. `decide`
    /// sees the state of the whole journal, and no other process appends in between.
    /// None: nothing is appended.
    ///
    /// # Errors
    /// The error of `decide`, and then nothing was appended; the errors of
    /// [`Fold::append`].
    pub fn update<I, E>(
        &self,
        decide: impl FnOnce(&S) -> std::result::Result<I, E>,
    ) -> std::result::Result<Position, E>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
        E: From<Error>,
    {
        self.update_with(decide, &CallOptions::new())
    }

    /// Does the same as [`Fold::update`], with a timeout or cancellation, or under a
    /// lock that is already held.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn update_with<I, E>(
        &self,
        decide: impl FnOnce(&S) -> std::result::Result<I, E>,
        call: &CallOptions<'_>,
    ) -> std::result::Result<Position, E>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
        E: From<Error>,
    {
        let mut turn = self.cursor.begin(call)?;
        self.take_in(&mut turn)?;
        let mut batch = self.batch();
        match self.read(decide)? {
            Ok(records) => {
                for record in records {
                    if let Err(error) = batch.push(record.as_ref()) {
                        turn.finish()?;
                        return Err(error.into());
                    }
                }
            }
            Err(error) => {
                turn.finish()?;
                return Err(error);
            }
        }
        if !batch.is_empty() {
            turn.append(&batch)?;
            self.take_in(&mut turn)?;
        }
        Ok(turn.finish()?)
    }

    /// Returns how far the state was folded. `None` while it changes, or if the fold
    /// has no state.
    pub fn position(&self) -> Option<Position> {
        self.cursor.position()
    }

    /// Closes the file at once; the state can still be read. The next call that takes
    /// something in opens the file again, and makes the state again.
    pub fn close(&self) {
        self.cursor.close();
    }

    /// Takes in what the turn yields. After an error the turn must be dropped.
    fn take_in(&self, turn: &mut FoldTurn) -> Result<()> {
        let mut state = self.state()?;
        // Taken out: if `apply` fails or panics, it is gone.
        let mut value = state.guard.take();
        loop {
            match turn.step()? {
                Step::End => break,
                Step::Restart => value = Some((self.initial)()),
                Step::Record => {
                    let (Some(value), Some(record)) = (&mut value, turn.record()) else {
                        return Err(Error::internal(
                            "fold",
                            &self.cursor.shared().path,
                            "a record without a state",
                        ));
                    };
                    (self.apply)(value, &record).map_err(|error| self.refused(&record, error))?;
                }
            }
        }
        *state.guard = value;
        Ok(())
    }

    #[cold]
    fn refused(&self, record: &Record<'_>, error: BoxError) -> Error {
        Error::new(
            ErrorKind::InvalidRecord,
            "fold",
            &self.cursor.shared().path,
            format!(
                "apply did not take the record at {}: {error}; the record is in the journal, and \
                 the next call makes the state again",
                record.start
            ),
        )
        .at(record.start)
        .caused_by(error)
    }

    fn state(&self) -> Result<InUse<'_, S>> {
        let local = self.local.get(|| Local {
            state: Mutex::new(None),
            user: Mutex::new(None),
        });
        let me = std::thread::current().id();
        if *lock(&local.user) == Some(me) {
            return Err(Error::new(
                ErrorKind::Deadlock,
                "fold",
                &self.cursor.shared().path,
                "this thread already reads or changes the state",
            ));
        }
        let guard = lock(&local.state);
        *lock(&local.user) = Some(me);
        Ok(InUse {
            guard,
            user: &local.user,
        })
    }
}

/// Lends the state to one thread.
struct InUse<'a, S> {
    guard: MutexGuard<'a, Option<S>>,
    user: &'a Mutex<Option<ThreadId>>,
}

impl<S> Drop for InUse<'_, S> {
    fn drop(&mut self) {
        *lock(self.user) = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S> fmt::Debug for Fold<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fold")
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}
