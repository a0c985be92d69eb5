//! The state that a forked child must not share with its parent.
//!
//! An flock belongs to the open file description, which a fork shares. A child
//! that unlocks frees its parent's lock. A child that only lives on keeps the
//! file locked after the parent died. So the child closes every lock descriptor
//! at once, in a `pthread_atfork` handler, and never unlocks any. A child made
//! without the handlers (`_Fork`) does so when it first uses the library.
//! Mutexes that another thread held at the fork stay locked in the child
//! forever. So the child uses no state from before the fork: see
//! [`PerProcess`].

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, Ordering};

use super::sys;

pub(super) use sys::fork::LockDescriptors;

static GENERATION: AtomicU32 = AtomicU32::new(0);

/// A byte that the system changes in a copy of this process, so that a child shows for
/// which no handler was called. Null if the system has no such bytes.
pub(super) static MARK: AtomicPtr<AtomicU8> = AtomicPtr::new(ptr::null_mut());

/// The value of [`MARK`] in a process that knows of its birth.
pub(super) const NOTICED: u8 = 1;

/// Returns how many forks lie between this process and the first that used the
/// library.
#[inline]
pub(crate) fn generation() -> u32 {
    // SAFETY: null, or a byte that is never unmapped.
    let mark = unsafe { MARK.load(Ordering::Acquire).as_ref() };
    if let Some(mark) = mark
        && mark.load(Ordering::Acquire) != NOTICED
    {
        sys::fork::notice();
    }
    GENERATION.load(Ordering::Relaxed)
}

/// Counts a fork. The child calls it once.
#[cfg(unix)]
pub(super) fn born() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// A value that each process makes for itself.
///
/// The parent's value is leaked in the child. To drop it would close
/// descriptors whose numbers may mean other files by now. To look into it may
/// wait for a mutex whose owner does not exist here.
pub(crate) struct PerProcess<T> {
    node: AtomicPtr<Node<T>>,
}

struct Node<T> {
    generation: u32,
    value: T,
}

impl<T> PerProcess<T> {
    pub const fn new() -> PerProcess<T> {
        PerProcess {
            node: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Returns this process's value, made on first use.
    #[inline]
    pub fn get(&self, make: impl FnOnce() -> T) -> &T {
        let node = self.node.load(Ordering::Acquire);
        // SAFETY: a node, once published, is freed only by `drop`, which has
        // `&mut self`.
        if let Some(node) = unsafe { node.as_ref() }
            && node.generation == generation()
        {
            return &node.value;
        }
        self.make(node, make)
    }

    #[cold]
    fn make(&self, seen: *mut Node<T>, make: impl FnOnce() -> T) -> &T {
        sys::fork::handle();
        let mine = Box::into_raw(Box::new(Node {
            generation: generation(),
            value: make(),
        }));
        match self
            .node
            .compare_exchange(seen, mine, Ordering::AcqRel, Ordering::Acquire)
        {
            // SAFETY: just published; see `get`.
            Ok(_) => unsafe { &(*mine).value },
            Err(theirs) => {
                // SAFETY: `mine` was never published. `theirs` was, by another
                // thread of this process, and is not null.
                unsafe {
                    drop(Box::from_raw(mine));
                    &(*theirs).value
                }
            }
        }
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let node = *self.node.get_mut();
        // SAFETY: published nodes are valid, and no other thread has this cell.
        if let Some(seen) = unsafe { node.as_ref() }
            && seen.generation == generation()
        {
            // SAFETY: made by `Box::into_raw`, freed once.
            drop(unsafe { Box::from_raw(node) });
        }
    }
}

// SAFETY: a `PerProcess` hands out `&T` to any thread and drops `T` on any
// thread, as an `Arc` does.
unsafe impl<T: Send + Sync> Sync for PerProcess<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Send for PerProcess<T> {}

#[cfg(test)]
mod tests {
    use super::PerProcess;

    #[test]
    fn one_value_a_process() {
        let cell = PerProcess::new();
        let first: *const u32 = cell.get(|| 1);
        let second: *const u32 = cell.get(|| 2);
        assert_eq!(first, second);
        assert_eq!(*cell.get(|| 3), 1);
    }
}
