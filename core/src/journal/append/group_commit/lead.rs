//! Who leads, and whether somebody waits: one word, so that a call that is
//! alone takes no mutex to find that out.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Somebody leads.
const LED: u8 = 1;
/// The queue is not empty. Changed only with the queue's mutex held.
const WAITING: u8 = 2;

/// A queue `T` of calls behind the one that leads.
///
/// A leader without followers steps down with one exchange of `LED` for
/// nothing; a follower announces itself with one of `LED` for `LED | WAITING`.
/// Only one of the two succeeds: so nobody is left waiting behind nobody.
#[derive(Default)]
pub(crate) struct Lead<T> {
    word: AtomicU8,
    queue: Mutex<T>,
}

impl<T> Lead<T> {
    /// Leads from now on, if nobody does.
    #[inline]
    pub fn take(&self) -> bool {
        self.exchange(0, LED)
    }

    /// Nobody leads, and so nobody waits.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.word.load(Ordering::Acquire) == 0
    }

    /// Ends the lead, if nobody waits for it.
    #[inline]
    pub fn step_down(&self) -> bool {
        self.exchange(LED, 0)
    }

    #[inline]
    pub fn nobody_waits(&self) -> bool {
        self.word.load(Ordering::Acquire) & WAITING == 0
    }

    pub fn queue(&self) -> MutexGuard<'_, T> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be called before something is put into the queue. `false`: nobody
    /// led, and the caller does now.
    pub fn follow(&self, _: &MutexGuard<'_, T>) -> bool {
        loop {
            if self.take() {
                return false;
            }
            // Fails if the leader has just stepped down.
            if !self.nobody_waits() || self.exchange(LED, LED | WAITING) {
                return true;
            }
        }
    }

    /// To be called when the queue has become empty.
    pub fn emptied(&self, _: &MutexGuard<'_, T>) {
        self.word.fetch_and(!WAITING, Ordering::AcqRel);
    }

    #[inline]
    fn exchange(&self, from: u8, to: u8) -> bool {
        self.word
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}
