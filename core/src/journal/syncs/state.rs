//! Says which sync may begin, and which is done.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::pace::Pace;
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use crate::sys::Lasting;

/// Counts the syncs of one file through one handle.
#[derive(Default)]
pub(crate) struct Syncs {
    state: Mutex<State>,
    pub(super) changed: Condvar,
    /// Whether the next append must open further descriptors.
    pub(super) wants_further: AtomicBool,
    /// Whether one has, or has tried.
    pub(super) has_further: AtomicBool,
}

impl Syncs {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says what a sync of an epoch must cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// How many syncs had begun when all of it was written.
    pub begun: u64,
    /// Whether the further descriptors were open before any of it was written. Linux
    /// reports a failed write-back once for each descriptor that was open then. So
    /// another descriptor's sync could succeed without the bytes.
    pub by_any: bool,
}

/// A sync that has begun.
pub(super) struct Running {
    pub number: u64,
    pub through: Through,
    /// Whether no other ran then.
    alone: bool,
}

/// The descriptor through which a sync goes.
pub(super) enum Through {
    /// The one that appends.
    Own,
    Further(Lasting),
}

#[derive(Default)]
pub(super) struct State {
    /// Whether the own descriptor syncs now.
    own: bool,
    /// How many further descriptors sync now.
    further: usize,
    /// The further descriptors that no sync uses.
    idle: Vec<Lasting>,
    /// How many syncs have begun.
    begun: u64,
    /// The number of the last that succeeded through the own descriptor.
    done: u64,
    /// The same through any.
    done_by_any: u64,
    pace: Pace,
}

impl State {
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// Returns whether this is durable.
    pub fn covers(&self, wanted: Wanted) -> bool {
        let done = match wanted.by_any {
            true => self.done_by_any,
            false => self.done,
        };
        done > wanted.begun
    }

    /// Begins a sync, if one may begin now.
    pub fn begin(&mut self, wanted: Wanted) -> Option<Running> {
        let alone = !self.own && self.further == 0;
        let beside = !self.pace.measures();
        let through = if !self.own && (alone || beside) {
            self.own = true;
            Through::Own
        } else if wanted.by_any && beside {
            let further = self.idle.pop()?;
            self.further += 1;
            Through::Further(further)
        } else {
            return None;
        };
        self.begun += 1;
        Some(Running {
            number: self.begun,
            through,
            alone,
        })
    }

    /// Returns whether syncs are slow.
    pub fn is_slow(&self) -> bool {
        self.pace.is_slow()
    }

    /// Takes descriptors for further syncs.
    pub fn add(&mut self, further: Vec<Lasting>) {
        self.idle.extend(further);
    }

    /// Ends a sync. `took`: how long it ran.
    pub fn end(&mut self, sync: Running, took: Duration, succeeded: bool) {
        // None began since, either.
        self.pace
            .ended(took, sync.alone && sync.number == self.begun);
        if succeeded {
            self.done_by_any = self.done_by_any.max(sync.number);
        }
        match sync.through {
            Through::Own => {
                self.own = false;
                if succeeded {
                    self.done = sync.number;
                }
            }
            Through::Further(further) => {
                self.further -= 1;
                self.idle.push(further);
            }
        }
    }

    /// Gives up a further descriptor, which the program has closed, and the sync that was
    /// to go through it.
    pub fn lost(&mut self) {
        self.further -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{Access, File};

    const QUICK: Duration = Duration::from_micros(200);
    const LATE: Duration = Duration::from_millis(4);

    fn by_any(begun: u64) -> Wanted {
        Wanted {
            begun,
            by_any: true,
        }
    }

    fn by_own(begun: u64) -> Wanted {
        Wanted {
            begun,
            by_any: false,
        }
    }

    /// The state of a journal with further descriptors, whose syncs took so long.
    fn after(took: Duration, further: usize) -> State {
        let mut state = State::default();
        for _ in 0..10 {
            let sync = state.begin(by_any(state.begun())).expect("none runs");
            state.end(sync, took, true);
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        let open = || Lasting::of(File::open(file.path(), Access::Read)?);
        let further = (0..further).map(|_| open().expect("it is there"));
        state.add(further.collect());
        state
    }

    #[test]
    fn quick_ones_run_one_at_a_time() {
        let mut state = after(QUICK, 3);
        let now = by_any(state.begun());
        let first = state.begin(now).expect("none runs");
        assert!(state.begin(now).is_none());
        assert!(!state.covers(now));
        state.end(first, QUICK, true);
        assert!(state.covers(now));
    }

    #[test]
    fn slow_ones_run_side_by_side() {
        let mut state = after(LATE, 3);
        let now = by_any(state.begun());
        let running: Vec<_> = std::iter::from_fn(|| state.begin(now)).collect();
        assert_eq!(running.len(), 4);
        for sync in running {
            state.end(sync, LATE, true);
        }
        assert_eq!(std::iter::from_fn(|| state.begin(now)).count(), 4);
    }

    #[test]
    fn without_further_descriptors_slow_ones_run_one_at_a_time() {
        let mut state = after(LATE, 0);
        let now = by_any(state.begun());
        assert_eq!(std::iter::from_fn(|| state.begin(now)).count(), 1);
    }

    #[test]
    fn the_one_that_is_measured_runs_alone() {
        let mut state = after(LATE, 3);
        let now = by_any(state.begun());
        while !state.pace.measures() {
            let sync = state.begin(now).expect("none runs");
            state.end(sync, LATE, true);
        }
        assert_eq!(std::iter::from_fn(|| state.begin(now)).count(), 1);
    }

    #[test]
    fn what_was_written_before_a_descriptor_was_open_waits_for_the_own_one() {
        let mut state = after(LATE, 3);
        let begun = state.begun();
        let own = state.begin(by_own(begun)).expect("none runs");
        assert!(state.begin(by_own(begun)).is_none());
        let further = state.begin(by_any(begun)).expect("a further one is idle");
        state.end(further, LATE, true);
        assert!(state.covers(by_any(begun)));
        assert!(!state.covers(by_own(begun)));
        state.end(own, LATE, true);
        assert!(state.covers(by_own(begun)));
    }

    #[test]
    fn one_that_began_before_the_write_does_not_cover_it() {
        let mut state = after(LATE, 3);
        let first = state.begin(by_any(state.begun())).expect("none runs");
        let later = by_any(state.begun());
        state.end(first, LATE, true);
        assert!(!state.covers(later));
    }

    #[test]
    fn one_that_failed_covers_nothing() {
        let mut state = after(LATE, 3);
        let now = by_any(state.begun());
        let sync = state.begin(now).expect("none runs");
        state.end(sync, LATE, false);
        assert!(!state.covers(now));
    }
}
