//! Runs a job later.

use std::time::{Duration, Instant};

use super::pool::{Pool, pool};
use super::timers::Key;
use crate::sys;

/// Is a job that begins later. Dropping this takes it back.
pub(crate) struct Timer {
    key: Key,
    pool: &'static Pool,
    generation: u32,
}

/// Runs `job` on a thread of the pool when `delay` has passed, or later if all threads
/// work.
pub(crate) fn after(delay: Duration, job: impl FnOnce() + Send + 'static) -> Timer {
    let pool = pool();
    let mut state = pool.lock();
    let key = state.timers.insert(Instant::now() + delay, Box::new(job));
    if state.timers.is_unwatched() {
        pool.keep_time(&mut state);
    }
    Timer {
        key,
        pool,
        generation: sys::generation(),
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // In a forked child the pool's mutex may be locked by a thread that does
        // not exist.
        if self.generation == sys::generation() {
            let taken = self.pool.lock().timers.remove(self.key);
            drop(taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::after;
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    #[test]
    fn timers_run_in_the_order_of_their_times() {
        let (done, results) = mpsc::channel();
        let start = Instant::now();
        let timers: Vec<_> = [60, 20, 40]
            .into_iter()
            .map(|n| {
                let done = done.clone();
                after(Duration::from_millis(n), move || done.send(n).unwrap())
            })
            .collect();
        let ran: Vec<u64> = results.iter().take(3).collect();
        assert_eq!(ran, [20, 40, 60]);
        assert!(start.elapsed() >= Duration::from_millis(60));
        drop(timers);
    }

    #[test]
    fn a_timer_that_is_dropped_does_not_run() {
        let (done, results) = mpsc::channel();
        let dropped = done.clone();
        drop(after(Duration::from_millis(1), move || {
            dropped.send(0).unwrap()
        }));
        let _kept = after(Duration::from_millis(10), move || done.send(1).unwrap());
        assert_eq!(results.iter().collect::<Vec<_>>(), [1]);
    }
}
