//! Brings results from the library's threads back to the event loop.
//!
//! Results gather in a list, and one wake-up of the loop takes all that have gathered
//! by then. A wake-up costs microseconds, and ten thousand appends may end within a few
//! milliseconds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::event_loop::EventLoop;
use crate::position::Position;

/// Says how a task ended.
pub enum Outcome<L: EventLoop> {
    /// The most frequent result, without an allocation.
    Appended(Position),
    /// It has a result.
    Done(L::Value),
    /// It failed.
    Failed(L::Failure),
}

/// Holds the results that one event loop has not taken yet.
pub(super) struct Completions<L: EventLoop>(Mutex<State<L>>);

struct State<L: EventLoop> {
    /// `None`: the loop is closed, or not open yet.
    event_loop: Option<Arc<L>>,
    outcomes: VecDeque<(u32, Outcome<L>)>,
    woken: bool,
}

impl<L: EventLoop> Completions<L> {
    pub const fn new() -> Completions<L> {
        Completions(Mutex::new(State {
            event_loop: None,
            outcomes: VecDeque::new(),
            woken: false,
        }))
    }

    pub fn open(&self, event_loop: Arc<L>) {
        self.state().event_loop = Some(event_loop);
    }

    /// Drops the results that no loop will take, and the locks that they hold.
    pub fn close(&self) {
        let unheard = {
            let mut state = self.state();
            (state.event_loop.take(), std::mem::take(&mut state.outcomes))
        };
        // Outside the mutex: the drop may release a lock, or run the language's code.
        drop(unheard);
    }

    pub fn event_loop(&self) -> Option<Arc<L>> {
        self.state().event_loop.as_ref().map(Arc::clone)
    }

    /// Reports how a task ended, from any thread.
    pub fn report(&self, id: u32, outcome: Outcome<L>) {
        let event_loop = {
            let mut state = self.state();
            let Some(event_loop) = &state.event_loop else {
                // Dropped only after the mutex, for the drop may release a lock.
                return drop(state);
            };
            let event_loop = (!state.woken).then(|| Arc::clone(event_loop));
            state.outcomes.push_back((id, outcome));
            state.woken = true;
            event_loop
        };
        if event_loop.is_some_and(|event_loop| !event_loop.wake()) {
            self.close();
        }
    }

    /// Takes the results that have gathered, at most `limit`. If more are left, it
    /// wakes the loop again.
    pub fn take(&self, limit: usize) -> VecDeque<(u32, Outcome<L>)> {
        let (taken, again) = {
            let mut state = self.state();
            let rest = match state.outcomes.len() > limit {
                true => state.outcomes.split_off(limit),
                false => VecDeque::new(),
            };
            let taken = std::mem::replace(&mut state.outcomes, rest);
            state.woken = !state.outcomes.is_empty();
            let again = state.event_loop.as_ref().filter(|_| state.woken);
            (taken, again.map(Arc::clone))
        };
        if let Some(event_loop) = again {
            event_loop.wake();
        }
        taken
    }

    fn state(&self) -> MutexGuard<'_, State<L>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
