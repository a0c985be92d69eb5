//! Records as they come.

mod chain;
mod file;
mod followers;
mod wait;

pub(crate) use followers::Followers;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::journal::read::Damage;
use crate::journal::read::OwnedRecord;
use crate::journal::read::Record;
use crate::journal::shared::Shared;
use crate::lock::Call;
use crate::oslock::GaveUp;
use crate::position::Position;
pub(crate) use file::{Found, Onward};
use wait::Waking;

/// Yields a journal's records as they are appended, by whichever process.
///
/// Each record once, in file order, none left out, through every change of the
/// file: an append that is under way is waited for until it is decided, and
/// what is damaged is skipped as other readers skip it. Where records that were
/// yielded are taken out of the journal (it was rewound, rewritten, replaced,
/// cut), that is told: [`Followed::Rewound`].
///
/// No lock is taken. The system tells of changes (inotify on Linux); where it
/// can't (network file systems, too many watches, a file with several names) the
/// file is looked at every 2 to 250 ms, less and less often while nothing happens.
///
/// ```
/// use untorn::{Call, Followed, Journal};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("session.jsonl");
/// let journal = Journal::open(&path)?;
/// let mut news = journal.follow(None)?;
/// journal.append(br#"{"n":1}"#)?;
/// if let Some(Followed::Record(record)) = news.next(&Call::new())? {
///     assert_eq!(record.bytes, br#"{"n":1}"#);
/// }
/// let resume_from = news.position();
/// # let _ = resume_from;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Follow {
    shared: Arc<Shared>,
    onward: Onward,
    waking: Option<Waking>,
}

/// What one who follows a journal is told.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The next record.
    Record(OwnedRecord),
    /// What lay between `to` and `from` is not in the journal any more. The
    /// records that follow lie behind `to`.
    Rewound {
        /// How far was read in the file as it was.
        from: Position,
        /// Up to where the file that is there now is the same. Offset 0: nothing
        /// of it is, or it is not known how much.
        to: Position,
    },
}

impl Follow {
    pub(crate) fn begin(shared: &Arc<Shared>, from: Option<Position>) -> Result<Follow> {
        shared.usable("follow")?;
        let onward = match from {
            Some(position) => Onward::from(shared, position)?,
            None => Onward::from_end(shared)?,
        };
        Ok(Follow {
            shared: Arc::clone(shared),
            onward,
            waking: None,
        })
    }

    /// Waits for the next record. `None`: none came within the call's timeout
    /// (the journal's own timeout is for locks, and does not count here), or
    /// the journal's handle was closed: see [`Follow::is_closed`]. A timeout of
    /// zero takes what is there already.
    ///
    /// # Errors
    /// `CANCELLED`; failures of the system. Calling again goes on where it was.
    pub fn next(&mut self, call: &Call<'_>) -> Result<Option<Followed>> {
        if call.guard().is_some() {
            return Err(Error::invalid_argument(
                "follow",
                &self.shared.path,
                "following takes no lock, and nobody appends while the lock given is held",
            ));
        }
        let patience = call.begin(None);
        loop {
            if patience.is_cancelled() {
                return Err(Error::cancelled("follow", &self.shared.path));
            }
            if self.shared.is_closed() {
                self.close();
                return Ok(None);
            }
            let file = self.position().generation;
            let found = self.look()?;
            let another = self.position().generation != file;
            if let Some(waking) = &mut self.waking {
                if another {
                    waking.file_changed(&self.shared);
                }
                if found.is_some() {
                    waking.found();
                }
            }
            if found.is_some() || patience.tries_once() {
                return Ok(found);
            }
            if !self.is_woken() {
                continue;
            }
            let waking = self.waking.as_mut();
            match waking.map(|waking| waking.wait(&self.shared, &patience)) {
                None | Some(Ok(())) => {}
                Some(Err(GaveUp::TimedOut)) => return Ok(None),
                Some(Err(GaveUp::Cancelled)) => {
                    return Err(Error::cancelled("follow", &self.shared.path));
                }
            }
        }
    }

    /// For an event loop, which must not sleep in [`Follow::next`]: has `wake`
    /// called once, when it is worth to call `next` with a timeout of zero again.
    ///
    /// To be called when `next` has given `None`. `wake` runs on a thread that all
    /// who follow share, or on this one at once; it must not wait for anything.
    /// `None`: every change is told. `Some`: not every change can be told here, so
    /// look again after this time at the latest.
    ///
    /// ```
    /// use std::{sync::mpsc, time::Duration};
    /// use untorn::{Call, Journal};
    /// # let dir = tempfile::tempdir()?;
    /// let journal = Journal::open(dir.path().join("session.jsonl"))?;
    /// let mut news = journal.follow(None)?;
    /// let now = Call::new().timeout(Some(Duration::ZERO));
    /// let (wake, woken) = mpsc::channel();
    /// journal.append(b"{}")?;
    /// let record = loop {
    ///     if let Some(record) = news.next(&now)? {
    ///         break record;
    ///     }
    ///     let wake = wake.clone();
    ///     let look_again = news.wake_once(move || drop(wake.send(())));
    ///     let _ = woken.recv_timeout(look_again.unwrap_or(Duration::MAX));
    /// };
    /// # let _ = record;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wake_once(&mut self, wake: impl FnOnce() + Send + 'static) -> Option<Duration> {
        let is_woken = !self.shared.is_closed() && self.is_woken();
        match &mut self.waking {
            Some(waking) if is_woken => waking.wake_once(&self.shared, Box::new(wake)),
            _ => {
                // Closed, or watched from now on only: look again.
                wake();
                None
            }
        }
    }

    /// Releases the file and the watch at once, and calls the `wake` of
    /// [`Follow::wake_once`]. The next call opens them again.
    pub fn close(&mut self) {
        self.onward.close();
        match self.waking.take() {
            // The parent's: to drop it might wait for a thread of the parent.
            Some(waking) if waking.is_strange() => std::mem::forget(waking),
            Some(waking) => waking.end(),
            None => {}
        }
    }

    /// Up to where the records were yielded: [`crate::Journal::follow`] from
    /// here goes on behind the last of them. It can be stored.
    pub fn position(&self) -> Position {
        self.onward.position()
    }

    /// What was skipped since the last call of this.
    pub fn take_damage(&mut self) -> Vec<Damage> {
        self.onward.take_damage()
    }

    /// Whether the handle was closed, which ends this.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    fn look(&mut self) -> Result<Option<Followed>> {
        Ok(match self.onward.step()? {
            Found::Record => self
                .onward
                .record()
                .map(|record: Record<'_>| Followed::Record(OwnedRecord::from(record))),
            Found::Rewound { from, to } => Some(Followed::Rewound { from, to }),
            Found::End => None,
        })
    }

    /// Sees to it that changes wake us. `false`: from now on they do, but what
    /// came before has to be looked for.
    fn is_woken(&mut self) -> bool {
        if self.waking.as_ref().is_some_and(Waking::is_strange) {
            // The parent's: to drop it might wait for a thread of the parent.
            std::mem::forget(self.waking.take());
        }
        if let Some(waking) = &mut self.waking {
            return !waking.renew(&self.shared);
        }
        let waking = Waking::begin(&self.shared);
        waking.file_changed(&self.shared);
        self.waking = Some(waking);
        false
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("path", &self.shared.path)
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}
