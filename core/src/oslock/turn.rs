//! Whose turn it is, in one process: who has a lock, and who waits for it.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::waiter::{GaveUp, Told, Waiter};

pub(crate) struct State {
    pub holders: Holders,
    /// Whether somebody blocks in the kernel: exclusively, shared.
    pub in_kernel: [bool; 2],
    pub handovers: u32,
    /// Whether other processes see that somebody waits for the exclusive lock.
    pub marked: bool,
    pub queue: VecDeque<Place>,
}

pub(crate) enum Holders {
    Free,
    Exclusive(ThreadKey),
    Shared(Vec<ThreadKey>),
}

pub(crate) struct Place {
    pub shared: bool,
    pub endless: bool,
    pub thread: ThreadKey,
    pub gives_way_until: Instant,
    pub waiter: Arc<Waiter>,
}

/// Which thread: for telling that a thread waits for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThreadKey(u64);

impl ThreadKey {
    #[inline]
    pub fn current() -> ThreadKey {
        thread_local!(static KEY: Cell<u64> = const { Cell::new(0) });
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Never used again, unlike the address of a thread's variable: a guard
        // may outlive the thread that took it.
        ThreadKey(KEY.with(|key| {
            if key.get() == 0 {
                key.set(NEXT.fetch_add(1, Ordering::Relaxed));
            }
            key.get()
        }))
    }
}

/// Why a lock was not taken.
#[derive(Debug)]
pub(crate) enum Refused {
    Busy,
    TimedOut,
    Cancelled,
    Deadlock,
    System(io::Error),
}

impl From<GaveUp> for Refused {
    fn from(why: GaveUp) -> Refused {
        match why {
            GaveUp::TimedOut => Refused::TimedOut,
            GaveUp::Cancelled => Refused::Cancelled,
        }
    }
}

impl State {
    pub fn new() -> State {
        State {
            holders: Holders::Free,
            in_kernel: [false; 2],
            handovers: 0,
            marked: false,
            queue: VecDeque::new(),
        }
    }

    /// Nobody of this process has the lock or waits for it.
    #[inline]
    pub fn is_free(&self) -> bool {
        matches!(self.holders, Holders::Free) && self.queue.is_empty()
    }

    /// Somebody blocks in the kernel, and all that it waits for have left.
    pub fn waits_for_nobody(&self) -> bool {
        self.is_free() && self.in_kernel.contains(&true)
    }

    /// Whether sharers in other processes keep the lock from somebody here.
    pub fn waits_for_sharers(&self) -> bool {
        !matches!(self.holders, Holders::Exclusive(_)) && self.queue.iter().any(|one| !one.shared)
    }

    pub fn hold(&mut self, shared: bool, thread: ThreadKey) {
        if !shared {
            self.holders = Holders::Exclusive(thread);
        } else if let Holders::Shared(threads) = &mut self.holders {
            threads.push(thread);
        } else {
            self.holders = Holders::Shared(vec![thread]);
        }
    }

    pub fn is_held_by(&self, thread: ThreadKey) -> bool {
        match &self.holders {
            Holders::Free => false,
            Holders::Exclusive(other) => *other == thread,
            Holders::Shared(threads) => threads.contains(&thread),
        }
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
