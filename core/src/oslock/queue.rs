//! The calls of this process that queue up for one lock file.

use crate::sync::{Arc, MutexGuard};
use std::io;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::caller::ThreadKey;
use super::process_lock::{Holders, ProcessLock, QueueEntry, State};
use super::wait_policy::WaitPolicy;
use super::waiter::{AcquireError, Grant, WaitError, Waiter};
use super::{find_holder, note};
use crate::events::{self, LongWait};
use crate::holder::Holder;

/// How many waiters of this process may have the lock in a row before other
/// processes get their turn.
const HANDOVERS: u32 = 8;

/// How long one try waits for a thread whose callers have all left. That thread
/// may have just got the lock, and it releases it as soon as it runs.
const ABANDONED: Duration = Duration::from_millis(20);

/// How long a sharer gives way to those that wait for the exclusive lock. The
/// limit exists since one of them may be stopped, or wait for this sharer's
/// work.
const GIVES_WAY: Duration = Duration::from_secs(10);

impl ProcessLock {
    #[cold]
    pub(super) fn acquire_busy<'a>(
        self: &'a Arc<ProcessLock>,
        mut state: MutexGuard<'a, State>,
        operation: &'static str,
        shared: bool,
        thread: ThreadKey,
        wait: &WaitPolicy<'_>,
    ) -> Result<(), AcquireError> {
        if shared
            && state.queue.is_empty()
            && matches!(state.holders, Holders::Shared(_))
            // A thread that already holds it must not wait for those that wait
            // for it.
            && (state.is_held_by(thread) || !self.is_awaited())
        {
            state.hold(true, thread);
            return Ok(());
        }
        if wait.tries_once() {
            if !state.waits_for_nobody() {
                return Err(AcquireError::Busy);
            }
            let briefly = WaitPolicy {
                timeout: Some(ABANDONED),
                deadline: Instant::now().checked_add(ABANDONED),
                ..*wait
            };
            let waited = self.queue_up(state, operation, shared, thread, &briefly);
            return waited.map_err(|why| match why {
                AcquireError::TimedOut => AcquireError::Busy,
                why => why,
            });
        }
        if wait.caller.is_none() && state.is_held_by(thread) {
            return Err(AcquireError::Deadlock(state.within));
        }
        self.queue_up(state, operation, shared, thread, wait)
    }

    fn queue_up<'a>(
        self: &'a Arc<ProcessLock>,
        mut state: MutexGuard<'a, State>,
        operation: &'static str,
        shared: bool,
        thread: ThreadKey,
        wait: &WaitPolicy<'_>,
    ) -> Result<(), AcquireError> {
        if let Some(waiting) = wait.waiting {
            // Not under the mutex: it calls others.
            drop(state);
            waiting();
            state = self.state();
        }
        let waiter = Arc::new(Waiter::new());
        if let Some(token) = wait.cancel {
            token.watch(Arc::downgrade(&waiter) as _);
        }
        state.queue.push_back(QueueEntry {
            shared,
            // A thread that blocks in the kernel itself could not report that it waits.
            endless: wait.is_endless() && !events::is_listening(),
            thread,
            gives_way_until: Instant::now() + GIVES_WAY,
            waiter: Arc::clone(&waiter),
        });
        self.serve_head(&mut state);
        drop(state);
        let mut queued = Queued {
            process_lock: self,
            waiter: &waiter,
            thread,
            over: false,
        };
        let result = self.await_turn(&waiter, operation, shared, thread, wait);
        queued.over = true;
        result
    }

    fn await_turn(
        self: &Arc<ProcessLock>,
        waiter: &Arc<Waiter>,
        operation: &'static str,
        shared: bool,
        thread: ThreadKey,
        wait: &WaitPolicy<'_>,
    ) -> Result<(), AcquireError> {
        let mut polling: Option<Backoff> = None;
        let mut long_wait = LongWait::begin(operation, &self.target);
        loop {
            let os_error = match &mut polling {
                None => waiter.wait_until(wait, long_wait.next()),
                Some(backoff) => backoff.wait(waiter, wait),
            };
            if matches!(os_error, Ok(None))
                && long_wait.look(wait.is_limited(), || self.who())
                && polling.is_none()
            {
                continue;
            }
            match os_error {
                Err(gave_up) => return self.leave(waiter, thread, gave_up),
                Ok(Some(Grant::Granted)) => return Ok(()),
                Ok(Some(Grant::Failed(error))) => return Err(AcquireError::System(error)),
                // It ends with a message to the head of the queue. That is this
                // caller, since one that blocks never leaves.
                Ok(Some(Grant::Block)) => self.block(shared),
                Ok(Some(Grant::Poll)) => {
                    polling.get_or_insert_with(|| Backoff::new(wait));
                }
                Ok(None) => self.try_for_the_head(waiter),
            }
        }
    }

    /// Returns the process that holds the lock.
    #[cold]
    fn who(&self) -> Option<Holder> {
        let holder_path = note::path_for(&self.target);
        if self.lock_path == self.target {
            return find_holder::of_data(&self.target, &holder_path);
        }
        find_holder::of_lock(&self.lock_path, &holder_path)
    }

    /// Looks once for a polling caller, if it is its turn.
    fn try_for_the_head(self: &Arc<ProcessLock>, waiter: &Arc<Waiter>) {
        let mut state = self.state();
        let Some(head) = state.queue.front() else {
            return;
        };
        if !Arc::ptr_eq(&head.waiter, waiter) {
            return;
        }
        let (shared, gives_way) = (head.shared, self.gives_way(head));
        // It may have been asked to block meanwhile: then it is that thread, and no
        // other would ever be one if it took the lock here.
        if state.in_kernel[usize::from(self.way(shared))] {
            return;
        }
        if !matches!(state.holders, Holders::Free) {
            return self.serve_head(&mut state);
        }
        match self.try_system(shared) {
            Ok(true) if gives_way => self.unlock(),
            Ok(true) => self.grant_head(&mut state),
            // Another process has it exclusively, so those that waited have had
            // their turn. The kernel's queue is fair from here on.
            Ok(false) => {
                if let Some(head) = state.queue.front_mut() {
                    head.gives_way_until = Instant::now();
                }
                return self.await_in_kernel(&mut state);
            }
            Err(error) => return self.fail_head(&mut state, error),
        }
        self.show_who_waits(&mut state);
    }

    /// Returns whether the head of the queue gives way to other processes.
    /// Those wait for the exclusive lock while it is shared.
    pub(super) fn gives_way(&self, head: &QueueEntry) -> bool {
        head.shared && Instant::now() < head.gives_way_until && self.is_awaited()
    }

    pub(super) fn is_awaited(&self) -> bool {
        self.keeps_marks() && self.file.is_awaited()
    }

    fn keeps_marks(&self) -> bool {
        let ask = || self.pid_file.is_none() && self.file.keeps_marks();
        *self.keeps_marks.get_or_init(ask)
    }

    /// Shows other processes whether a thread here waits for the exclusive
    /// lock. The mark is on the descriptor that never waits, so an abandoned
    /// wait shows nothing.
    pub(super) fn show_who_waits(&self, state: &mut State) {
        let waits = state.waits_for_sharers() && self.keeps_marks();
        if waits != state.marked {
            self.file.set_awaited(waits);
            state.marked = waits;
        }
    }

    /// Gives the lock to the head of the queue. If the head shares it, gives it
    /// to all sharers that follow too.
    pub(super) fn grant_head(&self, state: &mut State) {
        let mut first = true;
        while let Some(head) = state.queue.front() {
            if !first && !head.shared {
                break;
            }
            let Some(place) = state.queue.pop_front() else {
                break;
            };
            state.hold(place.shared, place.thread);
            if !place.shared {
                // Before it learns of it: a program that has the lock alone has no mark.
                self.show_who_waits(state);
            }
            place.waiter.tell(Grant::Granted);
            if !place.shared {
                break;
            }
            first = false;
        }
    }

    /// Takes a waiter that gives up out of the queue. If it was granted the
    /// lock at the last moment, it keeps it: a lock is better than a timeout. A
    /// cancelled call keeps none.
    fn leave(
        self: &Arc<ProcessLock>,
        waiter: &Arc<Waiter>,
        thread: ThreadKey,
        why: WaitError,
    ) -> Result<(), AcquireError> {
        let mut state = self.state();
        let place = state
            .queue
            .iter()
            .position(|place| Arc::ptr_eq(&place.waiter, waiter));
        if let Some(place) = place {
            state.queue.remove(place);
            // The new head may want the lock in another mode.
            self.serve_head(&mut state);
        } else {
            match waiter.take() {
                Some(Grant::Failed(error)) => return Err(AcquireError::System(error)),
                Some(Grant::Granted) if why == WaitError::TimedOut => return Ok(()),
                _ => self.let_go(state, thread),
            }
        }
        Err(why.into())
    }

    /// Gives an exclusive lock to the next waiter of this process without
    /// releasing it, unless it is other processes' turn.
    #[cold]
    pub(super) fn hand_over(&self, state: &mut State) -> bool {
        let was_exclusive = matches!(state.holders, Holders::Exclusive(_));
        let next_exclusive = state.queue.front().is_some_and(|place| !place.shared);
        if !was_exclusive || !next_exclusive || state.handovers >= HANDOVERS {
            return false;
        }
        // A thread that waits in the kernel for the next one gets it by its own
        // descriptor.
        if state.in_kernel[0] {
            return false;
        }
        // Another process may have taken the file over meanwhile.
        if self.pid_file.is_some() {
            return false;
        }
        state.handovers += 1;
        state.within = None;
        state.holders = Holders::Free;
        self.grant_head(state);
        true
    }

    /// Makes sure that the head of the queue gets the lock when it can.
    pub(super) fn serve_head(self: &Arc<ProcessLock>, state: &mut State) {
        let Some(head) = state.queue.front() else {
            return self.show_who_waits(state);
        };
        match state.holders {
            Holders::Exclusive(_) => {}
            Holders::Shared(_) if !head.shared => {}
            Holders::Shared(_) if self.gives_way(head) => head.waiter.tell(Grant::Poll),
            Holders::Shared(_) => self.grant_head(state),
            Holders::Free => self.await_in_kernel(state),
        }
        self.show_who_waits(state);
    }

    /// Fails the head of the queue, which can't have the lock; the next may
    /// succeed.
    pub(super) fn fail_head(self: &Arc<ProcessLock>, state: &mut State, error: io::Error) {
        if let Some(place) = state.queue.pop_front() {
            place.waiter.tell(Grant::Failed(error));
        }
        self.serve_head(state);
    }
}

/// A waiter in the queue. If its thread panics, it leaves: the caller's own code
/// runs during the wait.
struct Queued<'a> {
    process_lock: &'a Arc<ProcessLock>,
    waiter: &'a Arc<Waiter>,
    thread: ThreadKey,
    over: bool,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if !self.over {
            let _ = self
                .process_lock
                .leave(self.waiter, self.thread, WaitError::Cancelled);
        }
    }
}

impl State {
    /// Returns whether a thread blocks in the kernel after all its callers
    /// left.
    pub fn waits_for_nobody(&self) -> bool {
        self.is_free() && self.in_kernel.contains(&true)
    }

    /// Returns whether sharers in other processes keep the lock from the head of
    /// the queue. One behind a sharer shows nothing: that sharer may give way to
    /// another process, whose own sharer would give way to it.
    pub fn waits_for_sharers(&self) -> bool {
        let exclusive = self.queue.front().is_some_and(|head| !head.shared);
        exclusive && !matches!(self.holders, Holders::Exclusive(_))
    }
}
