//! The `pthread_atfork` handlers, and the list of what the child closes.

use std::cell::UnsafeCell;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fs::{File, fork};

/// The lock descriptors of this process.
///
/// Behind a spin lock, not a mutex: it is held across the fork itself (by the
/// handlers below), so that the child finds the list whole, and it must be let
/// go by a thread that the library does not know.
pub(crate) struct LockDescriptors {
    busy: AtomicBool,
    list: UnsafeCell<Vec<RawFd>>,
}

// SAFETY: `list` is touched only between `enter` and `leave`.
unsafe impl Sync for LockDescriptors {}

static DESCRIPTORS: LockDescriptors = LockDescriptors {
    busy: AtomicBool::new(false),
    list: UnsafeCell::new(Vec::new()),
};

impl LockDescriptors {
    /// From now on a forked child closes this file before it does anything.
    pub fn add(file: &File) {
        LockDescriptors::add_descriptor(file.handle().as_raw_fd());
    }

    /// The same of another descriptor that is the parent's alone.
    pub(in crate::fs) fn add_descriptor(fd: RawFd) {
        static HANDLERS: Once = Once::new();
        HANDLERS.call_once(|| {
            // SAFETY: the handlers are plain functions that live as long as
            // the program: the shared library is linked with `-z nodelete`.
            unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
        });
        DESCRIPTORS.with(|list| list.push(fd));
    }

    /// The file is about to be closed.
    pub fn remove(file: &File) {
        LockDescriptors::remove_descriptor(file.handle().as_raw_fd());
    }

    /// The same of another descriptor.
    pub(in crate::fs) fn remove_descriptor(fd: RawFd) {
        DESCRIPTORS.with(|list| list.retain(|other| *other != fd));
    }

    fn with(&self, change: impl FnOnce(&mut Vec<RawFd>)) {
        self.enter();
        // SAFETY: entered, so nobody else has the list.
        change(unsafe { &mut *self.list.get() });
        self.leave();
    }

    fn enter(&self) {
        while self.busy.swap(true, Ordering::Acquire) {
            std::thread::yield_now();
        }
    }

    fn leave(&self) {
        self.busy.store(false, Ordering::Release);
    }
}

extern "C" fn prepare() {
    DESCRIPTORS.enter();
}

extern "C" fn parent() {
    DESCRIPTORS.leave();
}

extern "C" fn child() {
    fork::born();
    // SAFETY: `prepare` entered in the parent; this is the only thread.
    let list = unsafe { &mut *DESCRIPTORS.list.get() };
    for fd in list.iter() {
        // Close, never unlock: an unlock would free the parent's lock.
        // SAFETY: the descriptor was open at the fork, and whoever owned it
        // here is never used again (see `PerProcess`).
        unsafe { libc::close(*fd) };
    }
    // Not `clear` on a new Vec: nothing may be freed or allocated here.
    list.clear();
    DESCRIPTORS.leave();
}
