//! One lock file in this process.
//!
//! All handles of a process on one lock file share one gate: it keeps them apart
//! and queues them in order, and the kernel's lock keeps processes apart.
//!
//! The gate tries by one descriptor and waits by others, one a mode: a lock is
//! the descriptor's (man 2 flock), so a wait that all have abandoned is in the
//! way of nobody. At most one thread a mode waits in the kernel, on behalf of all
//! that queue. When it gets the lock, the head of the queue has it by that very
//! descriptor; if nobody wants it any more, it is let go.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::turn::{Holders, Place, Refused, State, ThreadKey};
use super::waiter::{GaveUp, Told, Waiter};
use crate::background;
use crate::lock::Patience;
use crate::oslock::scheme::pid_file::PidFile;
use crate::sys::{self, Access, Descriptor, File, FileId};

/// How many waiters of this process may have the lock one after another before
/// other processes get their turn.
const HANDOVERS: u32 = 8;

/// How long one try waits for a thread that waits for nobody any more: it may
/// have got the lock this very moment, which it lets go as soon as it runs.
const ABANDONED: Duration = Duration::from_millis(20);

/// How long one who shares lets those go first who wait for the exclusive lock.
/// Not longer: one of them may be stopped, or wait for what this one is to do.
const GIVES_WAY: Duration = Duration::from_secs(10);

pub(crate) struct Gate {
    pub lock_path: PathBuf,
    /// The file that it is the lock of.
    pub target: PathBuf,
    /// Whether the lock file could be written when it was opened.
    pub writable: bool,
    access: Access,
    id: FileId,
    /// By which the lock is tried.
    file: Descriptor,
    /// By which it is waited for: exclusively, shared. Opened when it is needed.
    waiting: [OnceLock<Descriptor>; 2],
    /// By which of them it is held: [`TRIED`], or the mode that was waited for.
    by: AtomicU8,
    /// For its content, where it could only be read when it was first opened.
    writer: OnceLock<Descriptor>,
    /// Where the lock is not the system's, but that a file is there.
    pid_file: Option<PidFile>,
    state: Mutex<State>,
    looked: AtomicBool,
    /// Whether sharers can see that the exclusive lock is waited for.
    keeps_marks: OnceLock<bool>,
}

/// `by`: neither of those that wait.
const TRIED: u8 = 2;

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
            waiting: [OnceLock::new(), OnceLock::new()],
            by: AtomicU8::new(TRIED),
            writer: OnceLock::new(),
            state: Mutex::new(State::new()),
            looked: AtomicBool::new(false),
            keeps_marks: OnceLock::new(),
        }
    }

    /// The lock file. Its content belongs to whoever holds the lock: by this
    /// very descriptor, since on Windows a lock stops the others.
    #[inline]
    pub fn file(&self) -> &File {
        match self.writer.get() {
            Some(writer) if !self.writable => writer,
            _ => self.locked(),
        }
    }

    /// Whether its content can be written by now. The rights may have come after it
    /// was opened: who makes a lock file sets them a moment later.
    pub fn may_be_written(&self) -> bool {
        if self.writable || self.writer.get().is_some() {
            return true;
        }
        // There only the descriptor that has the lock can write.
        if cfg!(windows) {
            return false;
        }
        let Some(writer) = self.file.open_to_write(&self.lock_path, self.access) else {
            return false;
        };
        writer.narrow_rights(&self.target);
        self.writer.get_or_init(|| writer);
        true
    }

    /// The descriptor that has the lock.
    pub fn locked(&self) -> &File {
        let by = usize::from(self.by.load(Ordering::Relaxed));
        match self.waiting.get(by).and_then(OnceLock::get) {
            Some(waiting) => waiting,
            None => &self.file,
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

    /// Whether the lock file is open still. A program can close what a library has
    /// open, and a lock on the file that gets its number excludes nobody.
    #[inline]
    pub fn is_itself(&self) -> io::Result<bool> {
        self.file.is_itself()
    }

    /// The same, as the error of one who takes the lock.
    #[inline]
    fn check_itself(&self) -> Result<(), Refused> {
        match self.is_itself() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refused::System(gone())),
            Err(error) => Err(Refused::System(error)),
        }
    }

    /// One try, whoever waits.
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
            None => {
                let file = self.waiting(shared)?;
                loop {
                    match file.lock(shared) {
                        // Signals are the caller's business, not the lock's.
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        result => return result.map(|()| true),
                    }
                }
            }
            Some(pid_file) => pid_file.take(&self.file, || !self.state().queue.is_empty()),
        }
    }

    /// The descriptor to wait by.
    fn waiting(&self, shared: bool) -> io::Result<&Descriptor> {
        let place = &self.waiting[usize::from(shared)];
        if let Some(file) = place.get() {
            return if file.is_itself()? {
                Ok(file)
            } else {
                Err(gone())
            };
        }
        let again = self.file.open_again(&self.lock_path, self.access)?;
        let again = again.ok_or_else(gone)?;
        Ok(place.get_or_init(|| again))
    }

    /// Whether there was no descriptor to be had to wait by. The lock can be tried
    /// all the same.
    fn is_for_want(&self, error: &io::Error) -> bool {
        error.kind() != io::ErrorKind::StaleNetworkFileHandle
            && self.pid_file.is_none()
            && !sys::is_lock_unsupported(error)
    }

    /// Which thread of this process may wait in the kernel: a pid file has no
    /// modes.
    fn way(&self, shared: bool) -> bool {
        shared && self.pid_file.is_none()
    }

    /// Lets go of what is held by the descriptor that waited so; nothing useful
    /// can be done about an error, and there is none but EBADF.
    fn unlock_waiting(&self, shared: bool) {
        match (&self.pid_file, self.waiting[usize::from(shared)].get()) {
            (Some(pid_file), _) => pid_file.let_go(&self.file),
            (None, Some(file)) => drop(file.unlock()),
            (None, None) => {}
        }
    }

    /// Explicitly, not by closing: a descriptor that a child inherited would keep
    /// it.
    #[inline]
    fn unlock(&self) {
        match self.by.swap(TRIED, Ordering::Relaxed) {
            TRIED => match &self.pid_file {
                None => drop(self.file.unlock()),
                Some(pid_file) => pid_file.let_go(&self.file),
            },
            by => self.unlock_waiting(by == 1),
        }
    }

    /// One try at the exclusive lock; `false` whatever the reason is. Whether the lock
    /// file is open still is for the caller to know.
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

    /// Takes the lock for `thread`.
    #[inline]
    pub fn acquire(
        self: &Arc<Gate>,
        shared: bool,
        thread: ThreadKey,
        patience: &Patience<'_>,
    ) -> Result<(), Refused> {
        let mut state = self.state();
        self.check_itself()?;
        if state.is_free()
            && !(shared && self.is_awaited())
            && self.try_system(shared).map_err(Refused::System)?
        {
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
            && matches!(state.holders, Holders::Shared(_))
            // One who has it already must not wait for those who wait for him.
            && (state.is_held_by(thread) || !self.is_awaited())
        {
            state.hold(true, thread);
            return Ok(());
        }
        if patience.tries_once() {
            if !state.waits_for_nobody() {
                return Err(Refused::Busy);
            }
            let briefly = Patience {
                timeout: Some(ABANDONED),
                deadline: Instant::now().checked_add(ABANDONED),
                ..*patience
            };
            let waited = self.queue_up(state, shared, thread, &briefly);
            return waited.map_err(|why| match why {
                Refused::TimedOut => Refused::Busy,
                why => why,
            });
        }
        if patience.caller.is_none() && state.is_held_by(thread) {
            return Err(Refused::Deadlock);
        }
        self.queue_up(state, shared, thread, patience)
    }

    fn queue_up(
        self: &Arc<Gate>,
        mut state: MutexGuard<'_, State>,
        shared: bool,
        thread: ThreadKey,
        patience: &Patience<'_>,
    ) -> Result<(), Refused> {
        let waiter = Arc::new(Waiter::new());
        if let Some(token) = patience.cancel {
            token.watch(Arc::downgrade(&waiter) as _);
        }
        state.queue.push_back(Place {
            shared,
            endless: patience.is_endless(),
            thread,
            gives_way_until: Instant::now() + GIVES_WAY,
            waiter: Arc::clone(&waiter),
        });
        self.serve_head(&mut state);
        drop(state);
        let mut polling: Option<Backoff> = None;
        loop {
            let told = match &mut polling {
                None => waiter.wait(patience).map(Some),
                Some(backoff) => backoff.wait(&waiter, patience),
            };
            match told {
                Err(gave_up) => return self.leave(&waiter, thread, gave_up),
                Ok(Some(Told::Granted)) => return Ok(()),
                Ok(Some(Told::Failed(error))) => return Err(Refused::System(error)),
                // It ends with a word to the head of the queue: to us, since one
                // who blocks never leaves.
                Ok(Some(Told::Block)) => self.block(shared),
                Ok(Some(Told::Poll)) => {
                    polling.get_or_insert_with(|| Backoff::new(patience));
                }
                Ok(None) => self.try_for_the_head(&waiter),
            }
        }
    }

    /// For one who looks again and again: one look, if it is its turn.
    fn try_for_the_head(self: &Arc<Gate>, waiter: &Arc<Waiter>) {
        let mut state = self.state();
        let Some(head) = state.queue.front() else {
            return;
        };
        if !Arc::ptr_eq(&head.waiter, waiter) {
            return;
        }
        let (shared, gives_way) = (head.shared, self.gives_way(head));
        if !matches!(state.holders, Holders::Free) {
            return self.serve_head(&mut state);
        }
        match self.try_system(shared) {
            Ok(true) if gives_way => self.unlock(),
            Ok(true) => state.grant_head(),
            // Somebody has it alone, so the turn of those who waited has come. The
            // kernel's queue is fair from here on.
            Ok(false) => {
                if let Some(head) = state.queue.front_mut() {
                    head.gives_way_until = Instant::now();
                }
                return self.await_in_kernel(&mut state);
            }
            Err(error) => return self.fail_head(&mut state, error),
        }
        self.show_who_waits(&mut state);
    }

    /// Whether the head of the queue lets others go first, in other processes, who
    /// wait for the exclusive lock while it is shared.
    fn gives_way(&self, head: &Place) -> bool {
        head.shared && Instant::now() < head.gives_way_until && self.is_awaited()
    }

    fn is_awaited(&self) -> bool {
        self.keeps_marks() && self.file.is_awaited()
    }

    fn keeps_marks(&self) -> bool {
        let ask = || self.pid_file.is_none() && self.file.keeps_marks();
        *self.keeps_marks.get_or_init(ask)
    }

    /// Shows others whether somebody here waits for the exclusive lock. By the
    /// descriptor that never waits: what a caller left behind shows nothing.
    fn show_who_waits(&self, state: &mut State) {
        let waits = state.waits_for_sharers() && self.keeps_marks();
        if waits != state.marked {
            self.file.set_awaited(waits);
            state.marked = waits;
        }
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
            // Who is the first now may want the lock in another mode.
            self.serve_head(&mut state);
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
        if state.queue.is_empty() {
            return self.unlock();
        }
        self.show_who_waits(&mut state);
        self.unlock();
        self.serve_head(&mut state);
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
        // Whoever waits in the kernel for the next gets it by his own descriptor.
        if state.in_kernel[0] {
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

    /// Sees to it that the head of the queue gets the lock when it can.
    fn serve_head(self: &Arc<Gate>, state: &mut State) {
        let Some(head) = state.queue.front() else {
            return self.show_who_waits(state);
        };
        match state.holders {
            Holders::Exclusive(_) => {}
            Holders::Shared(_) if !head.shared => {}
            Holders::Shared(_) if self.gives_way(head) => head.waiter.tell(Told::Poll),
            Holders::Shared(_) => state.grant_head(),
            Holders::Free => self.await_in_kernel(state),
        }
        self.show_who_waits(state);
    }

    /// Sees to it that somebody waits in the kernel for the head of the queue.
    fn await_in_kernel(self: &Arc<Gate>, state: &mut State) {
        let Some(head) = state.queue.front() else {
            return;
        };
        let way = self.way(head.shared);
        if state.in_kernel[usize::from(way)] {
            return;
        }
        if self.gives_way(head) {
            return head.waiter.tell(Told::Poll);
        }
        if head.endless {
            // Its own thread: a helper costs two more switches a hand-over.
            state.in_kernel[usize::from(way)] = true;
            head.waiter.tell(Told::Block);
            return;
        }
        let gate = Arc::clone(self);
        // Not behind others, who may wait for this very lock.
        match background::submit_at_once(None, move || gate.block(way)) {
            Ok(()) => state.in_kernel[usize::from(way)] = true,
            // No thread to be had: it looks again and again by itself.
            Err(_) => head.waiter.tell(Told::Poll),
        }
    }

    /// Blocks in the kernel, then gives what it got to the head of the queue.
    /// If all have left by then, lets it go at once.
    fn block(self: &Arc<Gate>, shared: bool) {
        let way = self.way(shared);
        loop {
            let result = background::while_waiting(|| self.await_system(way));
            let mut state = self.state();
            let wanted = state
                .queue
                .front()
                .is_some_and(|head| self.way(head.shared) == way);
            if matches!(result, Ok(false)) && wanted {
                // Somebody came when all had left.
                continue;
            }
            state.in_kernel[usize::from(way)] = false;
            match result {
                Ok(true) if wanted && matches!(state.holders, Holders::Free) => {
                    let by = if self.pid_file.is_some() {
                        TRIED
                    } else {
                        u8::from(way)
                    };
                    self.by.store(by, Ordering::Relaxed);
                    state.grant_head();
                }
                // Others of this process share it by now, and so may the head.
                Ok(true) if wanted && way && matches!(state.holders, Holders::Shared(_)) => {
                    self.unlock_waiting(way);
                    state.grant_head();
                }
                Ok(true) => {
                    self.unlock_waiting(way);
                    self.serve_head(&mut state);
                }
                Ok(false) => {}
                Err(error) if wanted && self.is_for_want(&error) => {
                    if let Some(head) = state.queue.front() {
                        head.waiter.tell(Told::Poll);
                    }
                }
                Err(error) if wanted => self.fail_head(&mut state, error),
                Err(_) => {}
            }
            return self.show_who_waits(&mut state);
        }
    }

    /// The head of the queue can't have the lock; the next may have more luck.
    fn fail_head(self: &Arc<Gate>, state: &mut State, error: io::Error) {
        if let Some(place) = state.queue.pop_front() {
            place.waiter.tell(Told::Failed(error));
        }
        self.serve_head(state);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who finds this out opens the file that has the name now.
fn gone() -> io::Error {
    io::ErrorKind::StaleNetworkFileHandle.into()
}
