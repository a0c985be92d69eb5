//! Waits in the kernel for one lock file, on behalf of this process's queue.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::content::gone;
use super::process_lock::{Holders, ProcessLock, State, TRIED};
use super::waiter::Grant;
use crate::background;
use crate::sys::{self, Descriptor};

impl ProcessLock {
    /// Makes a thread wait in the kernel for the head of the queue.
    pub(super) fn await_in_kernel(self: &Arc<ProcessLock>, state: &mut State) {
        let Some(head) = state.queue.front() else {
            return;
        };
        let way = self.way(head.shared);
        if state.in_kernel[usize::from(way)] {
            return;
        }
        if self.gives_way(head) {
            return head.waiter.tell(Grant::Poll);
        }
        if head.endless {
            // The head's own thread blocks: a second thread would cost two more
            // switches for each hand-over.
            state.in_kernel[usize::from(way)] = true;
            head.waiter.tell(Grant::Block);
            return;
        }
        let process_lock = Arc::clone(self);
        // The job must not queue after others, which may wait for this very
        // lock.
        let job = Box::new(move || process_lock.block(way));
        match background::submit_at_once(None, job) {
            Ok(()) => state.in_kernel[usize::from(way)] = true,
            // No thread can be made, so the caller polls by itself.
            Err(_) => head.waiter.tell(Grant::Poll),
        }
    }

    /// Blocks in the kernel, then hands the lock to the head of the queue. If
    /// all have left by then, releases it at once.
    pub(super) fn block(self: &Arc<ProcessLock>, shared: bool) {
        let way = self.way(shared);
        loop {
            let result = background::while_waiting(|| self.await_system(way));
            let mut state = self.state();
            let wanted = state
                .queue
                .front()
                .is_some_and(|head| self.way(head.shared) == way);
            if matches!(result, Ok(false)) && wanted {
                // A caller came after all had left.
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
                    self.grant_head(&mut state);
                }
                // Others of this process share it by now, and so may the head.
                Ok(true) if wanted && way && matches!(state.holders, Holders::Shared(_)) => {
                    self.unlock_waiting(way);
                    self.grant_head(&mut state);
                }
                Ok(true) => {
                    self.unlock_waiting(way);
                    self.serve_head(&mut state);
                }
                Ok(false) => {}
                Err(error) if wanted && self.is_for_want(&error) => {
                    if let Some(head) = state.queue.front() {
                        head.waiter.tell(Grant::Poll);
                    }
                }
                Err(error) if wanted => self.fail_head(&mut state, error),
                Err(_) => {}
            }
            return self.show_who_waits(&mut state);
        }
    }

    /// Blocks. Returns `false` if no caller wants the lock any more.
    fn await_system(&self, shared: bool) -> io::Result<bool> {
        match &self.pid_file {
            None => {
                let file = self.waiting(shared)?;
                loop {
                    match file.lock(shared) {
                        // Signals are the caller's concern, not the lock's.
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        result => return result.map(|()| true),
                    }
                }
            }
            Some(pid_file) => pid_file.take(&self.file, || !self.state().queue.is_empty()),
        }
    }

    /// Returns the descriptor to wait by.
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

    /// Returns whether no descriptor could be opened to wait by. The lock can
    /// still be tried.
    fn is_for_want(&self, error: &io::Error) -> bool {
        error.kind() != io::ErrorKind::StaleNetworkFileHandle
            && self.pid_file.is_none()
            && !sys::is_lock_unsupported(error)
    }

    /// Returns which thread of this process may wait in the kernel. A pid file
    /// has no modes.
    pub(super) fn way(&self, shared: bool) -> bool {
        shared && self.pid_file.is_none()
    }

    /// Releases the lock that is held by the descriptor for this mode. The only
    /// possible error is EBADF, and nothing useful can be done about it.
    pub(super) fn unlock_waiting(&self, shared: bool) {
        match (&self.pid_file, self.waiting[usize::from(shared)].get()) {
            (Some(pid_file), _) => pid_file.let_go(&self.file),
            (None, Some(file)) => drop(file.unlock()),
            (None, None) => {}
        }
    }
}
