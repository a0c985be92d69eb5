//! The caller that asks for a lock: a thread, or one that another thread
//! carries the call out for.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// Identifies a thread, to detect that a thread waits for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThreadKey(u64);

impl ThreadKey {
    /// No thread: of a lock under which no code of a caller runs. So no thread can wait
    /// there for itself.
    pub const NONE: ThreadKey = ThreadKey(0);

    #[inline]
    pub fn current() -> ThreadKey {
        crate::sync::thread_local!(static KEY: Cell<u64> = const { Cell::new(0) });
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // A key is never used again, unlike the address of a thread's variable.
        // A guard may outlive the thread that took it.
        ThreadKey(KEY.with(|key| {
            if key.get() == 0 {
                key.set(NEXT.fetch_add(1, Ordering::Relaxed));
            }
            key.get()
        }))
    }
}

/// Work under a lock in which the caller's own code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    /// An update of a document.
    Update,
    /// A rewrite of a journal, record by record.
    Compact,
    /// A turn of a fold.
    Fold,
}

/// The thread that a call is made for, if another thread carries it out. An
/// event loop's calls run on threads of this library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller(pub(crate) ThreadKey);

impl Caller {
    /// Returns the calling thread.
    pub fn current() -> Caller {
        Caller(ThreadKey::current())
    }
}
