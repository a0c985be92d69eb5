//! Leaves no call waiting when a thread panics. A thread may panic while it leads or
//! waits in the queue, since a caller's own code runs in its waits.

use std::collections::VecDeque;

use super::append_state::Handle;
use super::request::Request;
use crate::error::Error;
use crate::sync::MutexGuard;
use crate::sync::atomic::Ordering;

/// Holds the requests of other threads that this leader has taken.
pub(super) struct InHand<'a> {
    pub shared: &'a Handle,
    pub requests: VecDeque<Request>,
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        for request in self.requests.drain(..) {
            let path = &self.shared.path;
            let why = "the thread that wrote this together with its own records panicked, so it \
                       is not known whether this is in the file";
            request.done.tell(Err(Error::internal("append", path, why)));
        }
    }
}

/// Marks the time in which the leader waits for the lock.
pub(super) struct HeldUp<'a>(&'a Handle);

impl<'a> HeldUp<'a> {
    /// The caller has the queue's mutex.
    pub fn begin(shared: &'a Handle, _: &MutexGuard<'_, VecDeque<Request>>) -> HeldUp<'a> {
        shared.hold_up(true);
        HeldUp(shared)
    }
}

impl Drop for HeldUp<'_> {
    fn drop(&mut self) {
        let _waiting = self.0.local().queue.queue();
        self.0.hold_up(false);
    }
}

impl Handle {
    /// Returns whether the leader waits for the lock. The caller must hold the queue's
    /// mutex.
    pub fn is_held_up(&self) -> bool {
        self.local().held_up.load(Ordering::Relaxed)
    }

    /// Sets whether the leader waits. The caller must hold the queue's mutex.
    fn hold_up(&self, waits: bool) {
        self.local().held_up.store(waits, Ordering::Relaxed);
    }
}
