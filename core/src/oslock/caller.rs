//! Who asks for a lock: a thread, or one that another carries the call out for.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// The thread that a call is made for, where another carries it out: an event
/// loop, whose calls run on threads of this library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller(pub(crate) ThreadKey);

impl Caller {
    /// The thread that asks.
    pub fn current() -> Caller {
        Caller(ThreadKey::current())
    }
}
