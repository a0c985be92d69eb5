//! The `pthread_atfork` handlers, and the list of descriptors that the child
//! closes.

use std::cell::UnsafeCell;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::{Handle, copied};
use crate::sys::{FileId, fork};

/// The descriptors of this process that a forked child must not have.
///
/// They are opened and closed in here, and a fork waits for the threads that do
/// so. So a child never gets one that is not on the list. The list is under
/// atomics, not mutexes. A fork holds them across the fork itself, and releases
/// them in a process where no other thread exists.
pub(crate) struct LockDescriptors {
    /// How many threads open or close one; [`FORKING`]: no thread may begin to.
    at_work: AtomicU32,
    busy: AtomicBool,
    list: UnsafeCell<Vec<Listed>>,
}

/// A descriptor, and the file it was opened for. The program may have closed it
/// meanwhile: then the number is another file's, which a child needs.
#[derive(Clone, Copy)]
struct Listed {
    fd: RawFd,
    id: Option<FileId>,
}

impl Listed {
    fn is_itself(self) -> bool {
        id(self.fd) == self.id
    }
}

/// Returns the file's identity, by the one call that a forked child may make.
fn id(fd: RawFd) -> Option<FileId> {
    let mut seen = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: writes all of it, or fails.
    let seen = unsafe { (libc::fstat(fd, seen.as_mut_ptr()) == 0).then(|| seen.assume_init()) };
    #[allow(
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        reason = "the types differ from system to system"
    )]
    seen.map(|seen| FileId {
        device: seen.st_dev as u64,
        inode: seen.st_ino as u64,
    })
}

const FORKING: u32 = 1 << 31;

// SAFETY: `list` is touched only by the thread that has made `busy` true, or by
// a fork while no thread is at work.
unsafe impl Sync for LockDescriptors {}

static DESCRIPTORS: LockDescriptors = LockDescriptors {
    at_work: AtomicU32::new(0),
    busy: AtomicBool::new(false),
    list: UnsafeCell::new(Vec::new()),
};

impl LockDescriptors {
    /// Opens a file that a forked child closes before it does anything. Returns
    /// its identity too.
    pub fn open(
        open: impl FnOnce() -> io::Result<(Handle, Option<FileId>)>,
    ) -> io::Result<(Handle, Option<FileId>)> {
        LockDescriptors::list(|| {
            let (handle, known) = open()?;
            let fd = handle.as_raw_fd();
            let id = known.or_else(|| id(fd));
            Ok(((handle, id), Listed { fd, id }))
        })
    }

    fn list<T>(open: impl FnOnce() -> io::Result<(T, Listed)>) -> io::Result<T> {
        handle();
        DESCRIPTORS.work(|| {
            let (opened, listed) = open()?;
            DESCRIPTORS.change(|list| list.push(listed));
            Ok(opened)
        })
    }

    /// Makes a forked child close this descriptor too, from now on.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(in crate::sys) fn add_descriptor(fd: RawFd) {
        let _ = LockDescriptors::list(|| Ok(((), Listed { fd, id: id(fd) })));
    }

    /// Takes a descriptor off the list that is about to be closed.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(in crate::sys) fn remove_descriptor(fd: RawFd) {
        LockDescriptors::close(fd, || ());
    }

    /// Closes one of them, by dropping its owner.
    pub fn close(fd: RawFd, close: impl FnOnce()) {
        DESCRIPTORS.work(|| {
            DESCRIPTORS.change(|list| {
                if let Some(place) = list.iter().rposition(|other| other.fd == fd) {
                    list.swap_remove(place);
                }
            });
            close();
        });
    }

    /// Does the work while no thread forks.
    fn work<T>(&self, work: impl FnOnce() -> T) -> T {
        let begins = |at_work| (at_work & FORKING == 0).then_some(at_work + 1);
        let mut tries = 0;
        while self
            .at_work
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, begins)
            .is_err()
        {
            pause(&mut tries);
        }
        let done = work();
        self.at_work.fetch_sub(1, Ordering::Release);
        done
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Listed>)) {
        let mut tries = 0;
        while self.busy.swap(true, Ordering::Acquire) {
            pause(&mut tries);
        }
        // SAFETY: no other thread has the list.
        change(unsafe { &mut *self.list.get() });
        self.busy.store(false, Ordering::Release);
    }

    /// Closes all, in a new child.
    ///
    /// # Safety
    /// No other thread of this process uses the list.
    unsafe fn close_all(&self) {
        // SAFETY: as the caller says.
        let list = unsafe { &mut *self.list.get() };
        for listed in list.iter().filter(|listed| listed.is_itself()) {
            // Close, never unlock: an unlock would free the parent's lock.
            // SAFETY: its owner here is never used again (see `PerProcess` and
            // `Descriptor`).
            unsafe { libc::close(listed.fd) };
        }
        // Not a new Vec: nothing may be freed or allocated here.
        list.clear();
    }
}

/// Pauses. To open a file takes a moment, unless a server is asked.
fn pause(tries: &mut u32) {
    *tries += 1;
    if *tries < 100 {
        std::thread::yield_now();
    } else {
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// Installs the handlers for forks.
pub(in crate::sys) fn handle() {
    static HANDLERS: Once = Once::new();
    HANDLERS.call_once(|| {
        // SAFETY: the handlers are plain functions that live as long as
        // the program: the shared library is linked with `-z nodelete`.
        unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
        copied::watch();
    });
}

extern "C" fn prepare() {
    let at_work = &DESCRIPTORS.at_work;
    let begins = |at_work| (at_work & FORKING == 0).then_some(at_work | FORKING);
    let mut tries = 0;
    while at_work
        .fetch_update(Ordering::Acquire, Ordering::Relaxed, begins)
        .is_err()
    {
        pause(&mut tries);
    }
    while at_work.load(Ordering::Acquire) != FORKING {
        pause(&mut tries);
    }
}

extern "C" fn parent() {
    DESCRIPTORS.at_work.fetch_and(!FORKING, Ordering::Release);
}

extern "C" fn child() {
    if copied::begin() {
        fork::born();
        // SAFETY: `prepare` kept all others out, and this is the only thread.
        unsafe { DESCRIPTORS.close_all() };
        copied::end();
    }
    parent();
}

/// Does the handler's work late. The fork may have been in the middle of
/// anything. A list that was being changed is left, with its descriptors.
#[cold]
pub(in crate::sys) fn notice() {
    if copied::begin() {
        fork::born();
        if DESCRIPTORS.busy.swap(false, Ordering::Acquire) {
            // SAFETY: no thread of this process is past `begin`. The old list
            // is not looked at, not even to free it.
            unsafe { DESCRIPTORS.list.get().write(Vec::new()) };
        } else {
            // SAFETY: as above.
            unsafe { DESCRIPTORS.close_all() };
        }
        DESCRIPTORS.at_work.store(0, Ordering::Release);
        copied::end();
    }
}
