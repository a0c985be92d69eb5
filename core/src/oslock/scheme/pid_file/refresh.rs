//! Shows others that this process lives. One thread in each process refreshes
//! the lock files that it holds.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::background;
use crate::sys::{Descriptor, PerProcess};

/// The interval at which the thread looks. It is never woken: a lock that is
/// held for a moment must cost nothing here.
const TICK: Duration = Duration::from_millis(250);
/// The interval suits the shortest limit that any process may have set.
const EVERY: Duration = Duration::from_millis(500);
/// After this time without a lock the thread ends.
const IDLE: Duration = Duration::from_secs(10);

static REFRESHER: PerProcess<Refresher> = PerProcess::new();

#[derive(Default)]
struct Refresher {
    state: Mutex<State>,
    /// Never notified; the thread only sleeps on it.
    tick: Condvar,
}

#[derive(Default)]
struct State {
    running: bool,
    next: u64,
    files: Vec<Entry>,
}

struct Entry {
    number: u64,
    file: Arc<Descriptor>,
    due: Instant,
}

/// A lock file that is refreshed until this is dropped.
pub(crate) struct Refreshed {
    number: u64,
}

/// Refreshes the file from now on.
pub(crate) fn refresh(file: Arc<Descriptor>) -> io::Result<Refreshed> {
    let refresher = REFRESHER.get(Refresher::default);
    let mut state = refresher.state();
    let number = state.next;
    state.next += 1;
    state.files.push(Entry {
        number,
        file,
        due: Instant::now() + EVERY,
    });
    if !state.running {
        state.running = true;
        if let Err(error) = background::spawn(|| {
            background::while_waiting(|| REFRESHER.get(Refresher::default).run())
        }) {
            state.running = false;
            state.files.retain(|entry| entry.number != number);
            return Err(error);
        }
    }
    Ok(Refreshed { number })
}

impl Drop for Refreshed {
    fn drop(&mut self) {
        let mut state = REFRESHER.get(Refresher::default).state();
        state.files.retain(|entry| entry.number != self.number);
    }
}

impl Refresher {
    fn run(&self) {
        let mut state = self.state();
        let mut used = Instant::now();
        loop {
            let now = Instant::now();
            if !state.files.is_empty() {
                used = now;
            } else if now - used > IDLE {
                state.running = false;
                return;
            }
            let mut due = Vec::new();
            for entry in state.files.iter_mut().filter(|entry| entry.due <= now) {
                entry.due = now + EVERY;
                due.push(Arc::clone(&entry.file));
            }
            if due.is_empty() {
                let slept = self.tick.wait_timeout(state, TICK);
                state = slept.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            // Not under the mutex: a server may take its time. It refreshes the
            // file itself, not its name, which may mean another file by now.
            drop(state);
            for file in due {
                if matches!(file.is_itself(), Ok(true)) {
                    let _ = file.touch();
                }
            }
            state = self.state();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
