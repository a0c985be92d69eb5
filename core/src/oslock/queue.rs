//! The calls of this process that queue up for one lock file.

use std::io;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::caller::ThreadKey;
use super::gate::{Gate, Holders, Place, State};
use super::patience::Patience;
use super::waiter::{GaveUp, Refused, Told, Waiter};

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

impl Gate {
    #[cold]
    pub(super) fn acquire_busy(
        self: &Arc<Gate>,
        mut state: MutexGuard<'_, State>,
        shared: bool,
        thread: ThreadKey,
        patience: &Patience<'_>,
    ) -> Result<(), Refused> {
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
        if patience.tries_once() {
            if !state.waits_for_nobody() {
                return Err(Refused::Busy);
            }
            let briefly = Patience {
                timeout: Some(ABANDONED),
                deadline: Instant::now().checked_add(ABANDONED),
                ..*patience
            };
            let waited = self.queue_up(state, shared, thread, &briefly);
            return waited.map_err(|why| match why {
                Refused::TimedOut => Refused::Busy,
                why => why,
            });
        }
        if patience.caller.is_none() && state.is_held_by(thread) {
            return Err(Refused::Deadlock);
        }
        self.queue_up(state, shared, thread, patience)
    }

    fn queue_up(
        self: &Arc<Gate>,
        mut state: MutexGuard<'_, State>,
        shared: bool,
        thread: ThreadKey,
        patience: &Patience<'_>,
    ) -> Result<(), Refused> {
        let waiter = Arc::new(Waiter::new());
        if let Some(token) = patience.cancel {
            token.watch(Arc::downgrade(&waiter) as _);
        }
        state.queue.push_back(Place {
            shared,
            endless: patience.is_endless(),
            thread,
            gives_way_until: Instant::now() + GIVES_WAY,
            waiter: Arc::clone(&waiter),
        });
        self.serve_head(&mut state);
        drop(state);
        let mut queued = Queued {
            gate: self,
            waiter: &waiter,
            thread,
            over: false,
        };
        let result = self.await_turn(&waiter, shared, thread, patience);
        queued.over = true;
        result
    }

    fn await_turn(
        self: &Arc<Gate>,
        waiter: &Arc<Waiter>,
        shared: bool,
        thread: ThreadKey,
        patience: &Patience<'_>,
    ) -> Result<(), Refused> {
        let mut polling: Option<Backoff> = None;
        loop {
            let told = match &mut polling {
                None => waiter.wait(patience).map(Some),
                Some(backoff) => backoff.wait(waiter, patience),
            };
            match told {
                Err(gave_up) => return self.leave(waiter, thread, gave_up),
                Ok(Some(Told::Granted)) => return Ok(()),
                Ok(Some(Told::Failed(error))) => return Err(Refused::System(error)),
                // It ends with a message to the head of the queue. That is this
                // caller, since one that blocks never leaves.
                Ok(Some(Told::Block)) => self.block(shared),
                Ok(Some(Told::Poll)) => {
                    polling.get_or_insert_with(|| Backoff::new(patience));
                }
                Ok(None) => self.try_for_the_head(waiter),
            }
        }
    }

    /// Looks once for a polling caller, if it is its turn.
    fn try_for_the_head(self: &Arc<Gate>, waiter: &Arc<Waiter>) {
        let mut state = self.state();
        let Some(head) = state.queue.front() else {
            return;
        };
        if !Arc::ptr_eq(&head.waiter, waiter) {
            return;
        }
        let (shared, gives_way) = (head.shared, self.gives_way(head));
        if !matches!(state.holders, Holders::Free) {
            return self.serve_head(&mut state);
        }
        match self.try_system(shared) {
            Ok(true) if gives_way => self.unlock(),
            Ok(true) => state.grant_head(),
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
    pub(super) fn gives_way(&self, head: &Place) -> bool {
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

    /// Takes a waiter that gives up out of the queue. If it was granted the
    /// lock at the last moment, it keeps it: a lock is better than a timeout. A
    /// cancelled call keeps none.
    fn leave(
        self: &Arc<Gate>,
        waiter: &Arc<Waiter>,
        thread: ThreadKey,
        why: GaveUp,
    ) -> Result<(), Refused> {
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
                Some(Told::Failed(error)) => return Err(Refused::System(error)),
                Some(Told::Granted) if why == GaveUp::TimedOut => return Ok(()),
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
        state.holders = Holders::Free;
        state.grant_head();
        true
    }

    /// Makes sure that the head of the queue gets the lock when it can.
    pub(super) fn serve_head(self: &Arc<Gate>, state: &mut State) {
        let Some(head) = state.queue.front() else {
            return self.show_who_waits(state);
        };
        match state.holders {
            Holders::Exclusive(_) => {}
            Holders::Shared(_) if !head.shared => {}
            Holders::Shared(_) if self.gives_way(head) => head.waiter.tell(Told::Poll),
            Holders::Shared(_) => state.grant_head(),
            Holders::Free => self.await_in_kernel(state),
        }
        self.show_who_waits(state);
    }

    /// Fails the head of the queue, which can't have the lock; the next may
    /// succeed.
    pub(super) fn fail_head(self: &Arc<Gate>, state: &mut State, error: io::Error) {
        if let Some(place) = state.queue.pop_front() {
            place.waiter.tell(Told::Failed(error));
        }
        self.serve_head(state);
    }
}

/// A waiter in the queue. If its thread panics, it leaves: the caller's own code
/// runs during the wait.
struct Queued<'a> {
    gate: &'a Arc<Gate>,
    waiter: &'a Arc<Waiter>,
    thread: ThreadKey,
    over: bool,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if !self.over {
            let _ = self.gate.leave(self.waiter, self.thread, GaveUp::Cancelled);
        }
    }
}

impl State {
    /// Returns whether a thread blocks in the kernel after all its callers
    /// left.
    pub fn waits_for_nobody(&self) -> bool {
        self.is_free() && self.in_kernel.contains(&true)
    }

    /// Returns whether sharers in other processes keep the lock from a waiter
    /// here.
    pub fn waits_for_sharers(&self) -> bool {
        !matches!(self.holders, Holders::Exclusive(_)) && self.queue.iter().any(|one| !one.shared)
    }

    /// Gives the lock to the head of the queue. If the head shares it, gives it
    /// to all sharers that follow too.
    pub fn grant_head(&mut self) {
        let mut first = true;
        while let Some(head) = self.queue.front() {
            if !first && !head.shared {
                break;
            }
            let Some(place) = self.queue.pop_front() else {
                break;
            };
            self.hold(place.shared, place.thread);
            place.waiter.tell(Told::Granted);
            if !place.shared {
                break;
            }
            first = false;
        }
    }
}
