//! Waits for a file to change or a process to end. The system reports it if it
//! can. Otherwise the code polls, at growing intervals.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::cancel::Wakeup;
use super::wait_policy::INTERRUPT_EVERY;
use super::waiter::WaitError;
use crate::background;
use crate::oslock::WaitPolicy;
use crate::sys;

pub(crate) struct Watching {
    watch: Option<(sys::Watch, Arc<Wake>)>,
    backoff: Backoff,
}

struct Wake(sys::Waker);

impl Wakeup for Wake {
    fn nudge(&self) {
        self.0.wake();
    }
}

impl Watching {
    /// Starts to watch the file of this name and the process. From now on no
    /// event of theirs is missed, so the caller must look at them after this,
    /// then sleep.
    pub fn new(file: &Path, process: Option<u32>, wait: &WaitPolicy<'_>) -> Watching {
        let mut watching = Watching::idle(wait);
        watching.renew(file, process, wait);
        watching
    }

    /// Watches nothing yet.
    pub fn idle(wait: &WaitPolicy<'_>) -> Watching {
        Watching {
            watch: None,
            backoff: Backoff::new(wait),
        }
    }

    /// Watches the file that has this name now, and another process. Returns
    /// `false` if nothing has this name: then there is no reason to sleep.
    pub fn renew(&mut self, file: &Path, process: Option<u32>, wait: &WaitPolicy<'_>) -> bool {
        if let Some((watch, _)) = &mut self.watch {
            return match watch.renew(file, process) {
                Err(error) if error.kind() == ErrorKind::NotFound => false,
                Err(_) => {
                    self.watch = None;
                    true
                }
                Ok(()) => true,
            };
        }
        match sys::Watch::new(file, process) {
            Ok(Some(watch)) => {
                let wake = Arc::new(Wake(watch.waker()));
                if let Some(token) = wait.cancel {
                    token.watch(Arc::downgrade(&wake) as _);
                }
                self.watch = Some((watch, wake));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return false,
            Ok(None) | Err(_) => {}
        }
        true
    }

    /// Sleeps until another look is worthwhile, at most for `longest`. Fails if
    /// the caller's wait ends.
    pub fn sleep(&mut self, wait: &WaitPolicy<'_>, longest: Duration) -> Result<(), WaitError> {
        let Some((watch, _)) = &self.watch else {
            return self.backoff.sleep(wait);
        };
        if wait.is_cancelled() || wait.interrupt.is_some_and(|interrupt| interrupt()) {
            return Err(WaitError::Cancelled);
        }
        let mut nap = longest;
        if wait.interrupt.is_some() {
            nap = nap.min(INTERRUPT_EVERY);
        }
        if let Some(deadline) = wait.deadline {
            match deadline.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => nap = nap.min(left),
                _ => return Err(WaitError::TimedOut),
            }
        }
        if background::while_waiting(|| watch.wait(Some(nap))).is_err() {
            self.watch = None;
        }
        Ok(())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // To close an inotify takes the kernel tens of milliseconds. The new
        // holder of the lock must not wait for that.
        if let Some(watch) = self.watch.take() {
            let _ = background::spawn(move || drop(watch));
        }
    }
}
