//! Runs jobs on the library's threads.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::timers::{Job, Timers};
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, wait_timeout};
use crate::sys::{self, PerProcess};

/// How long a thread without work is kept.
const IDLE: Duration = match cfg!(untorn_interleaved) {
    false => Duration::from_secs(10),
    // A wait returns at once there.
    true => Duration::ZERO,
};
/// Nothing here recurses.
const STACK: usize = 256 * 1024;
/// How many threads work at once; threads that wait for a lock are not counted.
const WORKING: usize = 64;

pub(super) struct Pool {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    threads: usize,
    idle: usize,
    /// The threads that wait for a lock, or for another thread.
    waiting: usize,
    /// One thread stays, even if there is no work for long.
    keeps_one: bool,
    jobs: VecDeque<Job>,
    pub timers: Timers,
}

impl State {
    fn working(&self) -> usize {
        self.threads - self.idle - self.waiting
    }

    fn next_job(&mut self) -> Option<Job> {
        self.timers.take_due().or_else(|| self.jobs.pop_front())
    }

    /// Returns whether a thread that has been idle for long must stay all the same.
    fn keeps_last(&self) -> bool {
        (self.keeps_one && self.threads == 1) || (self.idle == 1 && !self.timers.is_empty())
    }
}

static POOL: PerProcess<Pool> = PerProcess::new();

crate::sync::thread_local! {
    /// Whether this thread is one of the pool's.
    static SERVES: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn pool() -> &'static Pool {
    POOL.get(|| Pool {
        state: Mutex::default(),
        work: Condvar::new(),
    })
}

impl Pool {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Wakes an idle thread, which looks at the timers. If none is idle, a calling
    /// thread of the pool looks after its job. For other callers a thread is started.
    pub fn keep_time(&'static self, state: &mut State) {
        if state.idle > 0 {
            self.work.notify_one();
        } else if !SERVES.with(Cell::get) {
            let _ = start(self, state, Box::new(|| {}));
        }
    }
}

/// Starts a thread that stays. If the system later gives no more threads, this
/// one does the jobs, so none is refused. It is for bindings whose library is
/// never unloaded.
pub(crate) fn keep_one() {
    let pool = pool();
    let mut state = pool.lock();
    state.keeps_one = true;
    if state.threads == 0 {
        let _ = start(pool, &mut state, Box::new(|| {}));
    }
}

/// Runs `job` on a thread that is idle, or on a new one. If no more threads may start,
/// the next thread that is free runs it.
pub(crate) fn spawn(job: impl FnOnce() + Send + 'static) -> io::Result<()> {
    spawn_job(Box::new(job))
}

pub(super) fn spawn_job(job: Job) -> io::Result<()> {
    let pool = pool();
    let mut state = pool.lock();
    if state.idle > state.jobs.len() {
        state.jobs.push_back(job);
        drop(state);
        // Not under the mutex: the thread would wake up only to wait for it.
        pool.work.notify_one();
        return Ok(());
    }
    if state.working() >= WORKING {
        state.jobs.push_back(job);
        return Ok(());
    }
    match start(pool, &mut state, job) {
        Ok(()) => Ok(()),
        Err((_, job)) if state.threads > 0 => {
            state.jobs.push_back(job);
            Ok(())
        }
        Err((error, _)) => Err(error),
    }
}

pub(super) fn spawn_at_once(job: Job) -> Result<(), Job> {
    let pool = pool();
    let mut state = pool.lock();
    if state.idle > state.jobs.len() {
        // In front: the jobs after it may need it.
        state.jobs.push_front(job);
        drop(state);
        pool.work.notify_one();
        return Ok(());
    }
    if state.working() >= WORKING {
        // None of the threads waits for anything, so one will soon be free.
        state.jobs.push_front(job);
        return Ok(());
    }
    start(pool, &mut state, job).map_err(|(_, job)| job)
}

/// Leaves the job for the next thread that is idle or is started.
pub(super) fn spawn_when_possible(job: Job) {
    let pool = pool();
    pool.lock().jobs.push_front(job);
    pool.work.notify_one();
}

/// Starts a thread that begins with `job`. Returns the job if no thread can be
/// started.
fn start(pool: &'static Pool, state: &mut State, job: Job) -> Result<(), (io::Error, Job)> {
    // The job can be taken from here if the thread can't be started.
    let parcel = Arc::new(Mutex::new(Some(job)));
    let taken = Arc::clone(&parcel);
    let started = sys::start_thread("untorn", STACK, move || {
        let job = lock(&taken).take();
        serve(pool, job);
    });
    match started {
        Ok(()) => {
            state.threads += 1;
            Ok(())
        }
        Err(error) => {
            let job = lock(&parcel).take();
            Err((error, job.unwrap_or_else(|| Box::new(|| {}))))
        }
    }
}

fn serve(pool: &'static Pool, first: Option<Job>) {
    SERVES.with(|serves| serves.set(true));
    let mut next = first;
    while let Some(job) = next.or_else(|| wait_for_work(pool)) {
        let _ = catch_unwind(AssertUnwindSafe(job));
        next = pool.lock().next_job();
    }
}

/// Waits for a job. Returns `None` if the thread was idle for long, and must end.
fn wait_for_work(pool: &Pool) -> Option<Job> {
    let mut state = pool.lock();
    let mut until = Instant::now() + IDLE;
    state.idle += 1;
    let job = loop {
        if let Some(job) = state.next_job() {
            break Some(job);
        }
        let now = Instant::now();
        if now >= until {
            if !state.keeps_last() {
                state.threads -= 1;
                break None;
            }
            until = now + IDLE;
        }
        let keeps_time = state.timers.watch();
        let wakes = keeps_time.map_or(until, |at| at.min(until));
        let longest = wakes.saturating_duration_since(now);
        state = wait_timeout(&pool.work, &pool.state, state, longest).0;
        if let Some(at) = keeps_time {
            state.timers.unwatch(at);
        }
    };
    state.idle -= 1;
    if state.idle > 0 && state.timers.is_unwatched() {
        // This thread has kept the time; another must keep it now.
        pool.work.notify_one();
    }
    job
}

/// Runs a wait that another thread ends. Meanwhile this thread does not count
/// as working, so that the job that ends the wait gets a thread.
pub(crate) fn while_waiting<T>(wait: impl FnOnce() -> T) -> T {
    if !SERVES.with(Cell::get) {
        return wait();
    }
    let _waiting = Waiting::begin();
    wait()
}

struct Waiting(&'static Pool);

impl Waiting {
    fn begin() -> Waiting {
        let pool = pool();
        // A wait within this one must not count a second time.
        SERVES.with(|serves| serves.set(false));
        let mut state = pool.lock();
        state.waiting += 1;
        if state.idle == 0 && state.working() < WORKING {
            if let Some(job) = state.jobs.pop_front() {
                if let Err((_, job)) = start(pool, &mut state, job) {
                    state.jobs.push_front(job);
                }
            } else if state.timers.is_unwatched() {
                let _ = start(pool, &mut state, Box::new(|| {}));
            }
        }
        Waiting(pool)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
        SERVES.with(|serves| serves.set(true));
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{WORKING, spawn};
    use crate::oslock::WaitPolicy;
    use crate::oslock::Waiter;
    use std::sync::{Arc, mpsc};

    /// There are more jobs than may work at once, and each waits for the next.
    #[test]
    fn jobs_that_wait_do_not_keep_others_from_a_thread() {
        let jobs = 4 * WORKING;
        let words: Vec<Arc<Waiter<()>>> = (0..=jobs).map(|_| Arc::new(Waiter::new())).collect();
        let (done, ended) = mpsc::channel();
        for n in 0..jobs {
            let (own, next) = (Arc::clone(&words[n + 1]), Arc::clone(&words[n]));
            let done = done.clone();
            spawn(move || {
                own.wait(&WaitPolicy::endless()).unwrap();
                next.tell(());
                done.send(()).unwrap();
            })
            .unwrap();
        }
        words[jobs].tell(());
        drop(done);
        assert_eq!(ended.iter().count(), jobs);
        assert!(words[0].take().is_some());
    }
}
