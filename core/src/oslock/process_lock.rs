//! One lock file in this process, and the threads that hold its lock or wait
//! for it.
//!
//! All handles of a process on one lock file share one process lock. The process lock keeps
//! them apart and queues them in order. The kernel's lock keeps processes
//! apart.
//!
//! The process lock tries by one descriptor and waits by others, one for each mode. A
//! lock belongs to its descriptor (man 2 flock), so an abandoned wait blocks no
//! other caller. At most one thread for each mode waits in the kernel, on
//! behalf of the whole queue. When it gets the lock, the head of the queue
//! holds it by that same descriptor. If no caller wants it by then, the thread
//! releases it.

use crate::sync::{Arc, Mutex, OnceLock};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Instant;

use super::caller::{ThreadKey, Within};
use super::scheme::pid_file::PidFile;
use super::waiter::Waiter;
use crate::sys::{Access, Descriptor, FileId};

pub(crate) struct ProcessLock {
    pub lock_path: PathBuf,
    /// The file that this lock protects.
    pub target: PathBuf,
    /// Whether the lock file could be opened for writing.
    pub writable: bool,
    pub(super) access: Access,
    pub(super) id: FileId,
    /// The descriptor that tries the lock.
    pub(super) file: Descriptor,
    /// The descriptors that wait for it: exclusively, shared. Each is opened on
    /// first use.
    pub(super) waiting: [OnceLock<Descriptor>; 2],
    /// The descriptor that holds it: [`TRIED`], or the mode that was waited
    /// for.
    pub(super) by: AtomicU8,
    /// A descriptor for its content, if it could first be opened only for
    /// reading.
    pub(super) writer: OnceLock<Descriptor>,
    /// Set if the lock is the existence of a file, not a system lock.
    pub(super) pid_file: Option<PidFile>,
    pub(super) state: Mutex<State>,
    pub(super) looked: AtomicBool,
    /// Whether it was opened just now, for the first who takes the lock.
    pub(super) fresh: AtomicBool,
    /// Whether sharers can see that a process waits for the exclusive lock.
    pub(super) keeps_marks: OnceLock<bool>,
}

/// The value of `by` for the descriptor that tries the lock.
pub(super) const TRIED: u8 = 2;

impl ProcessLock {
    pub fn new(
        lock_path: &Path,
        target: &Path,
        access: Access,
        id: FileId,
        file: Descriptor,
        writable: bool,
        pid_file: Option<PidFile>,
    ) -> ProcessLock {
        ProcessLock {
            pid_file,
            lock_path: lock_path.to_owned(),
            target: target.to_owned(),
            writable,
            access,
            id,
            file,
            waiting: [OnceLock::new(), OnceLock::new()],
            by: AtomicU8::new(TRIED),
            writer: OnceLock::new(),
            state: Mutex::new(State::new()),
            looked: AtomicBool::new(false),
            fresh: AtomicBool::new(true),
            keeps_marks: OnceLock::new(),
        }
    }

    /// Returns whether this process has checked for what a power cut left,
    /// since this file was opened.
    #[inline]
    pub fn has_looked(&self) -> bool {
        self.looked.load(Ordering::Relaxed)
    }

    pub fn looked(&self) {
        self.looked.store(true, Ordering::Relaxed);
    }

    pub fn pid_file(&self) -> Option<&PidFile> {
        self.pid_file.as_ref()
    }

    /// Returns whether a thread of this process has it.
    #[cfg(windows)]
    pub fn is_held(&self) -> bool {
        !matches!(self.state().holders, Holders::Free)
    }

    /// Returns whether `thread` would wait for itself here.
    pub fn is_held_by(&self, thread: ThreadKey) -> bool {
        self.state().is_held_by(thread)
    }
}

/// The threads that have the lock, and those that wait for it.
pub(crate) struct State {
    pub holders: Holders,
    /// Whether a thread blocks in the kernel: exclusively, shared.
    pub in_kernel: [bool; 2],
    pub handovers: u32,
    /// Whether other processes see that a thread waits for the exclusive lock.
    pub marked: bool,
    /// The holder's work under the lock, if its own thread must not wait for it.
    pub within: Option<Within>,
    pub queue: VecDeque<QueueEntry>,
}

pub(crate) enum Holders {
    Free,
    Exclusive(ThreadKey),
    Shared(Vec<ThreadKey>),
}

pub(crate) struct QueueEntry {
    pub shared: bool,
    pub endless: bool,
    pub thread: ThreadKey,
    pub gives_way_until: Instant,
    pub waiter: Arc<Waiter>,
}

impl State {
    pub fn new() -> State {
        State {
            holders: Holders::Free,
            in_kernel: [false; 2],
            handovers: 0,
            marked: false,
            within: None,
            queue: VecDeque::new(),
        }
    }

    pub fn is_held_by(&self, thread: ThreadKey) -> bool {
        match &self.holders {
            Holders::Free => false,
            Holders::Exclusive(other) => *other == thread,
            Holders::Shared(threads) => threads.contains(&thread),
        }
    }
}
