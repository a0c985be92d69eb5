//! One lock file in this process.
//!
//! All handles of a process on one lock file share one gate, and through it one
//! descriptor: the gate keeps them apart and queues them in order, and the
//! kernel's lock keeps processes apart. So at most one thread of the process
//! waits in the kernel for this lock, on behalf of all that queue.
//!
//! `holders` is free or not, and the kernel is waited in (somebody blocks in
//! flock for the head of the queue) or not. While somebody blocks there, nobody
//! else may try with the same descriptor: both calls would be of one owner, and
//! either's unlock would free the other's lock. (But see `try_abandoned`.)

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::Patience;
use super::pid_file::PidFile;
use super::turn::{Holders, Place, Refused, State, ThreadKey};
use super::waiter::{GaveUp, Told, Waiter};
use crate::background;
use crate::fs::{self, Access, Descriptor, File, FileId};

/// How many waiters of this process may have the lock one after another before
/// other processes get their turn.
const HANDOVERS: u32 = 8;

/// How long one try waits for a thread that is about to let go.
const ABANDONED: Duration = Duration::from_millis(20);

pub(crate) struct Gate {
    pub lock_path: PathBuf,
    /// What it is the lock of.
    pub target: PathBuf,
    /// Whether the lock file can be written (recovery records can be kept).
    pub writable: bool,
    access: Access,
    id: FileId,
    file: Descriptor,
    /// Where the lock is not the system's, but that a file is there.
    pid_file: Option<PidFile>,
    /// For one who may try only once while somebody of this process blocks in
    /// the kernel on `file` for a lock of another mode.
    side: OnceLock<Descriptor>,
    state: Mutex<State>,
    looked: AtomicBool,
    /// The thread that blocked in the kernel has returned, and nobody waited.
    returned: Condvar,
}

impl Gate {
    pub fn new(
        lock_path: &Path,
        target: &Path,
        access: Access,
        id: FileId,
        file: Descriptor,
        writable: bool,
        pid_file: Option<PidFile>,
    ) -> Gate {
        Gate {
            pid_file,
            lock_path: lock_path.to_owned(),
            target: target.to_owned(),
            writable,
            access,
            id,
            file,
            side: OnceLock::new(),
            state: Mutex::new(State::new()),
            looked: AtomicBool::new(false),
            returned: Condvar::new(),
        }
    }

    /// The lock file. Its content belongs to whoever holds the lock: by this
    /// very descriptor, since on Windows a lock stops the others.
    #[inline]
    pub fn file(&self) -> &File {
        match self.side.get() {
            Some(side) if self.state().side_held => side,
            _ => &self.file,
        }
    }

    /// Which file it is.
    pub fn id(&self) -> FileId {
        self.id
    }

    /// Whether somebody has looked for what a power cut left since this file
    /// was opened.
    #[inline]
    pub fn has_looked(&self) -> bool {
        self.looked.load(Ordering::Relaxed)
    }

    pub fn looked(&self) {
        self.looked.store(true, Ordering::Relaxed);
    }

    /// Whether this gate is of this process, not of the one it was forked from.
    #[inline]
    pub fn is_ours(&self) -> bool {
        self.file.is_ours()
    }

    pub fn pid_file(&self) -> Option<&PidFile> {
        self.pid_file.as_ref()
    }

    #[inline]
    fn try_system(&self, shared: bool) -> io::Result<bool> {
        match &self.pid_file {
            None => self.file.try_lock(shared),
            Some(pid_file) => pid_file.try_take(&self.file),
        }
    }

    /// Blocks; `false`: nobody wants it any more.
    fn await_system(&self, shared: bool) -> io::Result<bool> {
        match &self.pid_file {
            None => self.file.lock(shared).map(|()| true),
            Some(pid_file) => pid_file.take(&self.file, || !self.state().queue.is_empty()),
        }
    }

    /// Nothing useful can be done about an error, and there is none but EBADF.
    #[inline]
    fn unlock(&self) {
        match &self.pid_file {
            None => drop(self.file.unlock()),
            Some(pid_file) => pid_file.let_go(&self.file),
        }
    }

    /// One try at the exclusive lock; `false` whatever the reason is.
    #[inline]
    pub fn try_acquire(&self, thread: ThreadKey) -> bool {
        let mut state = self.state();
        let free = state.is_free() && matches!(self.try_system(false), Ok(true));
        if free {
            state.holders = Holders::Exclusive(thread);
        }
        free
    }

    /// Takes the lock for `thread`.
    #[inline]
    pub fn acquire(
        self: &Arc<Gate>,
        shared: bool,
        thread: ThreadKey,
        patience: &Patience<'_>,
    ) -> Result<(), Refused> {
        let mut state = self.state();
        if state.is_free() && self.try_system(shared).map_err(Refused::System)? {
            state.hold(shared, thread);
            return Ok(());
        }
        self.acquire_busy(state, shared, thread, patience)
    }

    #[cold]
    fn acquire_busy(
        self: &Arc<Gate>,
        mut state: MutexGuard<'_, State>,
        shared: bool,
        thread: ThreadKey,
        patience: &Patience<'_>,
    ) -> Result<(), Refused> {
        if shared
            && state.queue.is_empty()
            && let Holders::Shared(threads) = &mut state.holders
        {
            threads.push(thread);
            return Ok(());
        }
        if patience.tries_once() {
            let tried = self.try_abandoned(&mut state, shared, thread);
            if fs::LOCK_JOINS_WAITING || !matches!(tried, Err(Refused::Busy)) {
                return tried;
            }
            return self.try_after_abandoned(state, shared, thread);
        }
        if patience.caller.is_none() && state.is_held_by(thread) {
            return Err(Refused::Deadlock);
        }
        let waiter = Arc::new(Waiter::new());
        if let Some(token) = patience.cancel {
            token.watch(Arc::downgrade(&waiter) as _);
        }
        state.queue.push_back(Place {
            shared,
            endless: patience.is_endless(),
            thread,
            waiter: Arc::clone(&waiter),
        });
        self.send_someone_to_the_kernel(&mut state);
        drop(state);
        let told = match waiter.wait(patience) {
            Ok(told) => told,
            Err(gave_up) => return self.leave(&waiter, thread, gave_up),
        };
        match told {
            Told::Granted => Ok(()),
            Told::Failed(error) => Err(Refused::System(error)),
            Told::Block => {
                self.block(shared);
                // Blocking ended by a word to the head of the queue: to us,
                // since one who blocks never leaves.
                match waiter.take() {
                    Some(Told::Granted) => Ok(()),
                    Some(Told::Failed(error)) => Err(Refused::System(error)),
                    other => Err(Refused::System(io::Error::other(format!(
                        "a lock's queue is out of order: {other:?}"
                    )))),
                }
            }
        }
    }

    /// The one try of a caller who can't wait for the thread that blocks in the
    /// kernel: all that it waited for may have left, and the lock may be free.
    fn try_abandoned(
        &self,
        state: &mut State,
        shared: bool,
        thread: ThreadKey,
    ) -> Result<(), Refused> {
        let Some(waits_for) = state.kernel_waiting else {
            return Err(Refused::Busy);
        };
        if !state.queue.is_empty() || !matches!(state.holders, Holders::Free) {
            return Err(Refused::Busy);
        }
        if self.pid_file.is_some() {
            // The other goes on waiting, for us.
            return match self.try_system(shared).map_err(Refused::System)? {
                true => {
                    state.hold(shared, thread);
                    Ok(())
                }
                false => Err(Refused::Busy),
            };
        }
        // Both calls are of one descriptor, so of one owner: the other returns
        // as well, finds the holder and leaves the lock to him. (In another
        // mode this call would convert the lock; so one who would share it may
        // get it exclusively here.) On Windows it would wait for the other.
        let enough = fs::LOCK_JOINS_WAITING && (waits_for == shared || !waits_for);
        let mut taken = if enough {
            self.file.try_lock(waits_for)
        } else {
            Ok(false)
        };
        let aside = waits_for != shared || !fs::LOCK_JOINS_WAITING;
        if aside && matches!(taken, Ok(false)) {
            taken = self.try_aside(state, shared);
        }
        if !taken.map_err(Refused::System)? {
            return Err(Refused::Busy);
        }
        state.hold(shared, thread);
        Ok(())
    }

    /// The same, where the thread that blocks can't be joined: it may have got
    /// the lock this very moment, which it lets go as soon as it runs. So that
    /// is waited for, but not for long: somebody else may hold the lock.
    fn try_after_abandoned(
        &self,
        state: MutexGuard<'_, State>,
        shared: bool,
        thread: ThreadKey,
    ) -> Result<(), Refused> {
        let abandoned = |state: &mut State| {
            state.kernel_waiting.is_some()
                && state.queue.is_empty()
                && matches!(state.holders, Holders::Free)
        };
        let (mut state, _) = self
            .returned
            .wait_timeout_while(state, ABANDONED, abandoned)
            .unwrap_or_else(PoisonError::into_inner);
        if state.is_free() && self.file.try_lock(shared).map_err(Refused::System)? {
            state.hold(shared, thread);
            return Ok(());
        }
        Err(Refused::Busy)
    }

    fn try_aside(&self, state: &mut State, shared: bool) -> io::Result<bool> {
        if self.side.get().is_none() {
            let Some(file) = self.file.open_again(&self.lock_path, self.access)? else {
                // Not this lock file's name any more.
                return Ok(false);
            };
            let _ = self.side.set(file);
        }
        let taken = match self.side.get() {
            Some(side) => side.try_lock(shared)?,
            None => false,
        };
        state.side_held |= taken;
        Ok(taken)
    }

    /// A waiter gives up, unless it was granted the lock at the last moment: a
    /// lock in hand is better than a timeout, but a cancelled call keeps none.
    fn leave(
        self: &Arc<Gate>,
        waiter: &Arc<Waiter>,
        thread: ThreadKey,
        why: GaveUp,
    ) -> Result<(), Refused> {
        let mut state = self.state();
        let place = state
            .queue
            .iter()
            .position(|place| Arc::ptr_eq(&place.waiter, waiter));
        if let Some(place) = place {
            state.queue.remove(place);
        } else {
            match waiter.take() {
                Some(Told::Failed(error)) => return Err(Refused::System(error)),
                Some(Told::Granted) if why == GaveUp::TimedOut => return Ok(()),
                _ => self.let_go(state, thread),
            }
        }
        Err(why.into())
    }

    /// Whether `thread` would wait for itself here.
    pub fn is_held_by(&self, thread: ThreadKey) -> bool {
        self.state().is_held_by(thread)
    }

    /// Lets the lock go that `thread` took.
    #[inline]
    pub fn release(self: &Arc<Gate>, thread: ThreadKey) {
        self.let_go(self.state(), thread);
    }

    #[inline]
    fn let_go(self: &Arc<Gate>, mut state: MutexGuard<'_, State>, thread: ThreadKey) {
        if let Holders::Shared(threads) = &mut state.holders {
            if let Some(place) = threads.iter().position(|other| *other == thread) {
                threads.swap_remove(place);
            } else {
                // Released on another thread than it was taken on.
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
        state.handovers = 0;
        // Explicitly, not by closing: a descriptor that a child inherited
        // would keep it. Nothing useful can be done about an error, and there
        // is none but EBADF.
        if state.side_held
            && let Some(side) = self.side.get()
        {
            state.side_held = false;
            let _ = side.unlock();
        }
        // What another thread waits for with the same descriptor is left to it.
        if state.kernel_waiting.is_none() || self.pid_file.is_some() {
            self.unlock();
        }
        if !state.queue.is_empty() {
            self.send_someone_to_the_kernel(&mut state);
        }
    }

    /// Gives an exclusive lock to the next waiter of this process without
    /// letting it go, if it is not other processes' turn.
    #[cold]
    fn hand_over(&self, state: &mut State) -> bool {
        let was_exclusive = matches!(state.holders, Holders::Exclusive(_));
        let next_exclusive = state.queue.front().is_some_and(|place| !place.shared);
        if !was_exclusive || !next_exclusive || state.handovers >= HANDOVERS {
            return false;
        }
        // Another process may have taken the file from us meanwhile.
        if self.pid_file.is_some() {
            return false;
        }
        state.handovers += 1;
        state.holders = Holders::Free;
        state.grant_head();
        true
    }

    /// Sees to it that somebody waits in the kernel for the head of the queue.
    fn send_someone_to_the_kernel(self: &Arc<Gate>, state: &mut State) {
        if state.kernel_waiting.is_some() || !matches!(state.holders, Holders::Free) {
            return;
        }
        let Some(head) = state.queue.front() else {
            return;
        };
        state.kernel_waiting = Some(head.shared);
        if head.endless {
            // Its own thread: a helper costs two more switches a hand-over.
            head.waiter.tell(Told::Block);
        } else {
            let (gate, shared) = (Arc::clone(self), head.shared);
            if let Err(error) = background::spawn(move || gate.block(shared)) {
                state.kernel_waiting = None;
                self.fail_head(state, error);
            }
        }
    }

    /// Blocks in the kernel, then gives what it got to the head of the queue.
    /// If all have left by then, lets it go at once.
    fn block(self: &Arc<Gate>, mut shared: bool) {
        loop {
            let result = loop {
                match background::while_waiting(|| self.await_system(shared)) {
                    // Signals are the caller's business, not the lock's.
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => break result,
                }
            };
            let mut state = self.state();
            if matches!(result, Ok(true)) && !matches!(state.holders, Holders::Free) {
                // See `try_abandoned`.
                state.kernel_waiting = None;
                return;
            }
            let Some(head) = state.queue.front() else {
                state.kernel_waiting = None;
                if matches!(result, Ok(true)) {
                    self.unlock();
                }
                self.returned.notify_all();
                return;
            };
            match result {
                // Somebody came when all had left.
                Ok(false) => {}
                Ok(true) if head.shared == shared => {
                    state.kernel_waiting = None;
                    state.grant_head();
                    return;
                }
                Ok(true) => {
                    // The one it was for has left. A conversion is not atomic
                    // (man 2 flock), so begin again.
                    shared = head.shared;
                    state.kernel_waiting = Some(shared);
                    self.unlock();
                }
                Err(error) => {
                    state.kernel_waiting = None;
                    self.fail_head(&mut state, error);
                    return;
                }
            }
        }
    }

    /// The head of the queue can't have the lock; the next may have more luck.
    fn fail_head(self: &Arc<Gate>, state: &mut State, error: io::Error) {
        if let Some(place) = state.queue.pop_front() {
            place.waiter.tell(Told::Failed(error));
        }
        self.send_someone_to_the_kernel(state);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
