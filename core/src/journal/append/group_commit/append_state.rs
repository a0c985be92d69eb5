//! Holds what the writers of one journal handle share: the lead, the queue, and the state
//! of its appends. Only one writer at a time has the state. A call that is alone takes it,
//! and appends at once. It finds out by one atomic that it is alone.

use crate::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};

use super::request::Request;
use crate::error::Result;
use crate::journal::append::batch::PendingWrite;
use crate::journal::append::commit::finish;
use crate::journal::append::writer::{Writer, Written};
use crate::journal::shared::Shared;
use crate::lock::CallOptions;
use crate::oslock::{CachedLock, CancelToken, RawGuard};
use crate::position::Position;
use crate::sys::{self, PerProcess, RecentLook, Tick};

/// Is one journal handle.
pub(crate) struct Handle {
    pub shared: Arc<Shared>,
    local: PerProcess<Local>,
}

impl Deref for Handle {
    type Target = Shared;

    #[inline]
    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// Holds the part of a handle that a forked child makes new.
pub(crate) struct Local {
    pub queue: Queue,
    /// Whether the leader waits for the lock. Changed only with the queue's mutex held.
    pub(super) held_up: AtomicBool,
    pub state: Mutex<AppendState>,
}

/// Holds the calls that wait for the leader.
pub(crate) type Queue = Leader<VecDeque<Request>>;

/// Is set while a call leads.
const LED: u8 = 1;
/// Is set while the queue is not empty. Changed only with the queue's mutex held.
const WAITING: u8 = 2;

/// Pairs a queue `T` of waiting calls with the lead.
///
/// A leader without followers steps down by exchanging `LED` for 0. A follower
/// announces itself by exchanging `LED` for `LED | WAITING`. Only one of the two
/// succeeds, so no call waits without a leader.
#[derive(Default)]
pub(crate) struct Leader<T> {
    word: AtomicU8,
    queue: Mutex<T>,
}

impl<T> Leader<T> {
    /// Takes the lead, if no call has it.
    #[inline]
    pub fn take(&self) -> bool {
        self.exchange(0, LED)
    }

    /// Returns whether no call leads. Then none waits either.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.word.load(Ordering::Acquire) == 0
    }

    /// Ends the lead, if no call waits for it.
    #[inline]
    pub fn step_down(&self) -> bool {
        self.exchange(LED, 0)
    }

    #[inline]
    pub fn nobody_waits(&self) -> bool {
        self.word.load(Ordering::Acquire) & WAITING == 0
    }

    pub fn queue(&self) -> MutexGuard<'_, T> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces a follower, before it puts its request into the queue. Returns `false`
    /// if no call led, and this caller leads now.
    pub fn follow(&self, _: &MutexGuard<'_, T>) -> bool {
        loop {
            if self.take() {
                return false;
            }
            // Fails if the leader has just stepped down.
            if !self.nobody_waits() || self.exchange(LED, LED | WAITING) {
                return true;
            }
        }
    }

    /// Notes that the queue is empty. Must be called when it has become so.
    pub fn emptied(&self, _: &MutexGuard<'_, T>) {
        self.word.fetch_and(!WAITING, Ordering::AcqRel);
    }

    #[inline]
    fn exchange(&self, from: u8, to: u8) -> bool {
        self.word
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// Is the one writer that has the state. If the journal was closed meanwhile, dropping this closes
/// its files.
pub(crate) struct AppendTurn<'a> {
    shared: &'a Shared,
    state: MutexGuard<'a, AppendState>,
}

impl Deref for AppendTurn<'_> {
    type Target = AppendState;

    fn deref(&self) -> &AppendState {
        &self.state
    }
}

impl DerefMut for AppendTurn<'_> {
    fn deref_mut(&mut self) -> &mut AppendState {
        &mut self.state
    }
}

impl Drop for AppendTurn<'_> {
    fn drop(&mut self) {
        if self.shared.is_closed() {
            self.state.writer.close();
            self.state.writer.buffer = Vec::new();
            self.state.lock = CachedLock::default();
        }
    }
}

/// Holds what an append needs, for one writer at a time.
pub(crate) struct AppendState {
    pub writer: Writer,
    pub lock: CachedLock,
}

impl AppendState {
    fn new() -> AppendState {
        AppendState {
            writer: Writer::new(),
            lock: CachedLock::default(),
        }
    }
}

/// Says when an append began, and whether the names of the journal and of its lock file
/// were looked at shortly before.
#[derive(Clone, Copy)]
pub(crate) struct Began {
    tick: Tick,
    pub is_recent: bool,
}

impl Began {
    #[inline]
    pub fn now(shared: &Shared) -> Began {
        let tick = sys::tick();
        Began {
            tick,
            is_recent: shared.names.is_at(tick),
        }
    }

    /// Returns what says so after a wait for the lock.
    pub fn names(self, shared: &Shared) -> Option<&RecentLook> {
        self.is_recent.then_some(&shared.names)
    }

    /// Returns the size of the lock file, if the open journal may be believed as well after
    /// a wait for the lock.
    pub fn trusts(self, shared: &Shared, held: &RawGuard) -> Option<u64> {
        let is_recent = self.is_recent && shared.names.is_at(sys::tick());
        (is_recent && !held.is_in_place()).then_some(held.lock_size)
    }

    /// Notes that the append has looked at both names.
    #[inline]
    pub fn end<T>(self, shared: &Shared, result: &Result<T>) {
        if !self.is_recent && result.is_ok() {
            shared.names.add(self.tick);
        }
    }
}

impl Handle {
    pub fn new(shared: Arc<Shared>) -> Handle {
        Handle {
            shared,
            local: PerProcess::new(),
        }
    }

    #[inline]
    pub fn local(&self) -> &Local {
        self.local.get(|| Local {
            queue: Queue::default(),
            held_up: AtomicBool::new(false),
            state: Mutex::new(AppendState::new()),
        })
    }

    pub fn state(&self) -> AppendTurn<'_> {
        let state = &self.local().state;
        let state = state.lock().unwrap_or_else(|poisoned| {
            // The thread that panicked may have left this half changed.
            let mut left = poisoned.into_inner();
            *left = AppendState::new();
            state.clear_poison();
            left
        });
        AppendTurn {
            shared: &self.shared,
            state,
        }
    }

    /// Appends if no other call leads or waits, in this process or another. `None`: the
    /// caller must wait.
    #[inline]
    pub fn append_at_once(
        &self,
        work: &PendingWrite<'_>,
        call: &CallOptions<'_>,
    ) -> Result<Option<Position>> {
        self.usable("append")?;
        if call.guard.is_some() || call.cancel.is_some_and(CancelToken::is_cancelled) {
            return Ok(None);
        }
        match self.write_at_once(work) {
            Some(written) => finish(self, &written?).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn write_at_once(&self, work: &PendingWrite<'_>) -> Option<Result<Written>> {
        let local = self.local();
        if !local.queue.is_idle() {
            return None;
        }
        let mut state = local.state.try_lock().ok()?;
        let AppendState { writer, lock } = &mut *state;
        let began = Began::now(self);
        // One look serves for both. A program that closes descriptors which are not its own
        // closes the lock file too.
        if !began.is_recent && !writer.is_open() {
            return None;
        }
        let held = match work.header {
            None if work.records <= 1 => lock.try_again(&self.lock, began.is_recent)?,
            None => lock.try_to_record(&self.lock, began.is_recent)?,
            Some(_) => lock.try_to_record(&self.lock, false)?,
        };
        let lock_size = began.is_recent.then_some(held.size);
        let result = writer.commit(self, held.lock_file(), work, lock_size);
        began.end(self, &result);
        Some(result)
    }

    /// Closes the open files: at once, or when the writers that use them have finished.
    pub fn close(&self) {
        self.mark_closed();
        drop(self.state());
    }
}
