//! Follows a journal: yields its records as they are appended.

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
use crate::lock::CallOptions;
use crate::oslock::WaitError;
use crate::position::Position;
pub(crate) use file::{Advance, FollowCursor};
use wait::Waking;

/// Yields a journal's records as they are appended, by any process.
///
/// It yields each record once, in file order, without a gap, through every change of
/// the file. It waits for an append under way until that is decided. It skips damage as
/// other readers do. If yielded records are later removed from the journal (it was
/// rewound, rewritten, replaced or cut), it reports that: [`FollowItem::Rewound`].
///
/// It takes no lock. The system reports changes (inotify on Linux). On network file
/// systems, with too many watches, and for a file with several names, it reports none.
/// Then the file is checked every 2 to 250 ms, less often while nothing happens.
///
/// ```
/// use untorn::{CallOptions, FollowItem, Journal};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("session.jsonl");
/// let journal = Journal::open(&path)?;
/// let mut news = journal.follow(None)?;
/// journal.append(br#"{"n":1}"#)?;
/// if let Some(FollowItem::Record(record)) = news.next(&CallOptions::new())? {
///     assert_eq!(record.bytes, br#"{"n":1}"#);
/// }
/// let resume_from = news.position();
/// # let _ = resume_from;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Follow {
    shared: Arc<Shared>,
    onward: FollowCursor,
    waking: Option<Waking>,
}

/// Is one report of a follower.
///
/// ```
/// use untorn::{CallOptions, FollowItem, Journal, Position};
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::open(dir.path().join("j.jsonl"))?;
/// let mut follow = journal.follow(None)?;
/// journal.append(b"[1]")?;
/// match follow.next(&CallOptions::new())? {
///     Some(FollowItem::Record(record)) => assert_eq!(record.bytes, b"[1]"),
///     Some(FollowItem::Rewound { .. }) => println!("records that were yielded are gone"),
///     _ => {}
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowItem {
    /// The next record.
    Record(OwnedRecord),
    /// The records between `to` and `from` are no longer in the journal. The records
    /// that follow lie after `to`.
    Rewound {
        /// How far the file was read as it was.
        from: Position,
        /// How far the present file is the same. Offset 0: nothing of it is, or the
        /// length is unknown.
        to: Position,
    },
}

impl Follow {
    pub(crate) fn begin(shared: &Arc<Shared>, from: Option<Position>) -> Result<Follow> {
        shared.open_to_read("follow")?;
        let onward = match from {
            Some(position) => FollowCursor::from(shared, position)?,
            None => FollowCursor::from_end(shared)?,
        };
        Ok(Follow {
            shared: Arc::clone(shared),
            onward,
            waking: None,
        })
    }

    /// Waits for the next record. Returns `None` if none came within the call's
    /// timeout, or if the journal's handle was closed: see [`Follow::is_closed`]. The
    /// journal's own timeout is for locks, and does not count here. A timeout of zero
    /// returns a record that is already in the file.
    ///
    /// # Errors
    /// `CANCELLED`; failures of the system. The next call continues at the same place.
    pub fn next(&mut self, call: &CallOptions<'_>) -> Result<Option<FollowItem>> {
        if call.guard().is_some() {
            return Err(Error::invalid_argument(
                "follow",
                &self.shared.path,
                "following takes no lock, and no process can append while the lock given is held",
            ));
        }
        let wait = call.begin(None);
        loop {
            if wait.is_cancelled() {
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
            if found.is_some() || wait.tries_once() {
                return Ok(found);
            }
            if !self.is_woken() {
                continue;
            }
            let waking = self.waking.as_mut();
            match waking.map(|waking| waking.wait(&self.shared, &wait)) {
                None | Some(Ok(())) => {}
                Some(Err(WaitError::TimedOut)) => return Ok(None),
                Some(Err(WaitError::Cancelled)) => {
                    return Err(Error::cancelled("follow", &self.shared.path));
                }
            }
        }
    }

    /// Calls `wake` once, when a call of `next` with a timeout of zero is worthwhile.
    /// It is for an event loop, which must not sleep in [`Follow::next`].
    ///
    /// Call it after `next` has returned `None`. `wake` runs on a thread that all
    /// followers share, or at once on this one; it must not wait for anything. `None`:
    /// every change is reported. `Some`: some changes are not reported here, so call
    /// `next` again after this time at the latest.
    ///
    /// ```
    /// use std::{sync::mpsc, time::Duration};
    /// use untorn::{CallOptions, Journal};
    /// # let dir = tempfile::tempdir()?;
    /// let journal = Journal::open(dir.path().join("session.jsonl"))?;
    /// let mut news = journal.follow(None)?;
    /// let now = CallOptions::new().timeout(Some(Duration::ZERO));
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
                // The handle is closed, or the watch begins only now: look again.
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
            // It is the parent's: dropping it might wait for a thread of the parent.
            Some(waking) if waking.is_strange() => std::mem::forget(waking),
            Some(waking) => waking.end(),
            None => {}
        }
    }

    /// Returns how far records were yielded. [`crate::Journal::follow`] from here
    /// continues after the last of them. The position can be stored.
    pub fn position(&self) -> Position {
        self.onward.position()
    }

    /// Returns how often a rotation was passed, which is no rewind. A state that belongs to
    /// one generation begins again then.
    #[doc(hidden)]
    pub fn rotations(&self) -> u64 {
        self.onward.rotations()
    }

    /// Returns the damage that was skipped since the last such call.
    pub fn take_damage(&mut self) -> Vec<Damage> {
        self.onward.take_damage()
    }

    /// Returns whether the handle was closed, which ends this follower.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    fn look(&mut self) -> Result<Option<FollowItem>> {
        Ok(match self.onward.step()? {
            Advance::Record => self
                .onward
                .record()
                .map(|record: Record<'_>| FollowItem::Record(OwnedRecord::from(record))),
            Advance::Rewound { from, to } => Some(FollowItem::Rewound { from, to }),
            Advance::End => None,
        })
    }

    /// Makes sure that changes wake this follower. Returns `false` if they do only from
    /// now on, so earlier changes must be looked for.
    fn is_woken(&mut self) -> bool {
        if self.waking.as_ref().is_some_and(Waking::is_strange) {
            // It is the parent's: dropping it might wait for a thread of the parent.
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
