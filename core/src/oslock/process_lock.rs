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

use crate::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Instant;

use super::caller::{ThreadKey, Within};
use super::scheme::pid_file::PidFile;
use super::wait_policy::WaitPolicy;
use super::waiter::{AcquireError, Waiter};
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

    /// Returns the lock file's identity.
    pub fn id(&self) -> FileId {
        self.id
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

    /// Returns whether this process lock belongs to this process, not to the one it was
    /// forked from.
    #[inline]
    pub fn is_ours(&self) -> bool {
        self.file.is_ours()
    }

    pub fn pid_file(&self) -> Option<&PidFile> {
        self.pid_file.as_ref()
    }

    /// Tries once, whether or not others wait.
    #[inline]
    pub(super) fn try_system(&self, shared: bool) -> io::Result<bool> {
        match &self.pid_file {
            None => self.file.try_lock(shared),
            Some(pid_file) => pid_file.try_take(&self.file),
        }
    }

    /// Unlocks explicitly, not by closing. A descriptor that a child inherited
    /// would keep the lock.
    #[inline]
    pub(super) fn unlock(&self) {
        match self.by.swap(TRIED, Ordering::Relaxed) {
            TRIED => match &self.pid_file {
                None => drop(self.file.unlock()),
                Some(pid_file) => pid_file.let_go(&self.file),
            },
            by => self.unlock_waiting(by == 1),
        }
    }

    /// Tries the exclusive lock once. Returns `false` for any reason. The
    /// caller must know whether the lock file is still open.
    #[inline]
    pub fn try_acquire(&self, thread: ThreadKey) -> bool {
        let mut state = self.state();
        let free = state.is_free()
            && self.file.has_its_number()
            && matches!(self.try_system(false), Ok(true));
        if free {
            state.holders = Holders::Exclusive(thread);
        }
        free
    }

    /// Forgets the exclusive lock without releasing it, since the number of the
    /// descriptor means another file now. The program may have locked that file.
    #[cold]
    pub fn abandon(self: &Arc<ProcessLock>) {
        let mut state = self.state();
        state.holders = Holders::Free;
        self.serve_head(&mut state);
    }

    /// Takes the lock for `thread`.
    #[inline]
    pub fn acquire(
        self: &Arc<ProcessLock>,
        operation: &'static str,
        shared: bool,
        thread: ThreadKey,
        wait: &WaitPolicy<'_>,
    ) -> Result<(), AcquireError> {
        let mut state = self.state();
        self.check_itself()?;
        if state.is_free()
            && !(shared && self.is_awaited())
            && self.try_system(shared).map_err(AcquireError::System)?
        {
            state.hold(shared, thread);
            return Ok(());
        }
        self.acquire_busy(state, operation, shared, thread, wait)
    }

    /// Returns whether `thread` would wait for itself here.
    pub fn is_held_by(&self, thread: ThreadKey) -> bool {
        self.state().is_held_by(thread)
    }

    /// Releases the lock that `thread` took.
    #[inline]
    pub fn release(self: &Arc<ProcessLock>, thread: ThreadKey) {
        self.let_go(self.state(), thread);
    }

    #[inline]
    pub(super) fn let_go(
        self: &Arc<ProcessLock>,
        mut state: MutexGuard<'_, State>,
        thread: ThreadKey,
    ) {
        if let Holders::Shared(threads) = &mut state.holders {
            if let Some(place) = threads.iter().position(|other| *other == thread) {
                threads.swap_remove(place);
            } else {
                // It was released on another thread than it was taken on.
                threads.pop();
            }
            if !threads.is_empty() {
                return;
            }
        }
        if !state.queue.is_empty() && self.hand_over(&mut state) {
            return;
        }
        state.holders = Holders::Free;
        state.within = None;
        state.handovers = 0;
        if state.queue.is_empty() {
            return self.unlock();
        }
        self.show_who_waits(&mut state);
        self.unlock();
        self.serve_head(&mut state);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Returns whether no thread of this process has the lock or waits for it.
    #[inline]
    pub fn is_free(&self) -> bool {
        matches!(self.holders, Holders::Free) && self.queue.is_empty()
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
}
