//! The calls of this process that queue up for one lock file.

use std::io;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::caller::ThreadKey;
use super::gate::{Gate, Holders, Place, State};
use super::patience::Patience;
use super::waiter::{GaveUp, Refused, Told, Waiter};

/// How many waiters of this process may have the lock one after another before
/// other processes get their turn.
const HANDOVERS: u32 = 8;

/// How long one try waits for a thread that waits for nobody any more: it may
/// have got the lock this very moment, which it lets go as soon as it runs.
const ABANDONED: Duration = Duration::from_millis(20);

/// How long one who shares lets those go first who wait for the exclusive lock.
/// Not longer: one of them may be stopped, or wait for what this one is to do.
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
            // One who has it already must not wait for those who wait for him.
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
        let mut polling: Option<Backoff> = None;
        loop {
            let told = match &mut polling {
                None => waiter.wait(patience).map(Some),
                Some(backoff) => backoff.wait(&waiter, patience),
            };
            match told {
                Err(gave_up) => return self.leave(&waiter, thread, gave_up),
                Ok(Some(Told::Granted)) => return Ok(()),
                Ok(Some(Told::Failed(error))) => return Err(Refused::System(error)),
                // It ends with a word to the head of the queue: to us, since one
                // who blocks never leaves.
                Ok(Some(Told::Block)) => self.block(shared),
                Ok(Some(Told::Poll)) => {
                    polling.get_or_insert_with(|| Backoff::new(patience));
                }
                Ok(None) => self.try_for_the_head(&waiter),
            }
        }
    }

    /// For one who looks again and again: one look, if it is its turn.
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
            // Somebody has it alone, so the turn of those who waited has come. The
            // kernel's queue is fair from here on.
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

    /// Whether the head of the queue lets others go first, in other processes, who
    /// wait for the exclusive lock while it is shared.
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

    /// Shows others whether somebody here waits for the exclusive lock. By the
    /// descriptor that never waits: what a caller left behind shows nothing.
    pub(super) fn show_who_waits(&self, state: &mut State) {
        let waits = state.waits_for_sharers() && self.keeps_marks();
        if waits != state.marked {
            self.file.set_awaited(waits);
            state.marked = waits;
        }
    }

    /// A waiter gives up, unless it was granted the lock at the last moment: a
    /// lock in hand is better than a timeout, but a cancelled call keeps none.
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
            // Who is the first now may want the lock in another mode.
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
    /// letting it go, if it is not other processes' turn.
    #[cold]
    pub(super) fn hand_over(&self, state: &mut State) -> bool {
        let was_exclusive = matches!(state.holders, Holders::Exclusive(_));
        let next_exclusive = state.queue.front().is_some_and(|place| !place.shared);
        if !was_exclusive || !next_exclusive || state.handovers >= HANDOVERS {
            return false;
        }
        // Whoever waits in the kernel for the next gets it by his own descriptor.
        if state.in_kernel[0] {
            return false;
        }
        // Another process may have taken the file from us meanwhile.
        if self.pid_file.is_some() {
            return false;
        }
        state.handovers += 1;
        state.holders = Holders::Free;
        state.grant_head();
        true
    }

    /// Sees to it that the head of the queue gets the lock when it can.
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

    /// The head of the queue can't have the lock; the next may have more luck.
    pub(super) fn fail_head(self: &Arc<Gate>, state: &mut State, error: io::Error) {
        if let Some(place) = state.queue.pop_front() {
            place.waiter.tell(Told::Failed(error));
        }
        self.serve_head(state);
    }
}

impl State {
    /// Somebody blocks in the kernel, and all that it waits for have left.
    pub fn waits_for_nobody(&self) -> bool {
        self.is_free() && self.in_kernel.contains(&true)
    }

    /// Whether sharers in other processes keep the lock from somebody here.
    pub fn waits_for_sharers(&self) -> bool {
        !matches!(self.holders, Holders::Exclusive(_)) && self.queue.iter().any(|one| !one.shared)
    }

    /// Gives the lock to the head of the queue; if that one shares it, to all
    /// that follow and share it.
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
