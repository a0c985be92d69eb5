//! Threads of the library's own, for callers that must not block: a lock's
//! waiter in the kernel, and the work that asynchronous bindings hand over.
//!
//! Never a runtime's pool: libuv has four threads, and four calls that wait for
//! a lock there stop every file operation of the program.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::fs::{self, PerProcess};

type Job = Box<dyn FnOnce() + Send>;

/// How long a thread without work is kept.
const IDLE: Duration = Duration::from_secs(10);
/// Nothing here recurses.
const STACK: usize = 256 * 1024;

struct Pool {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    idle: usize,
    jobs: VecDeque<Job>,
}

static POOL: PerProcess<Pool> = PerProcess::new();
static ORDERS: PerProcess<Mutex<HashMap<PathBuf, VecDeque<Job>>>> = PerProcess::new();

/// Runs `job` on a thread of the library's own. Jobs with one `order` run one
/// after another, as they came; all others at once. There is no limit to the
/// number of threads, since a job may wait for a lock that another job must
/// let go: the caller limits it by the orders it uses.
///
/// # Errors
/// The system's, where it gives no thread; the job is dropped then.
pub fn submit(order: Option<&Path>, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let Some(order) = order else {
        return spawn(job);
    };
    let mut orders = lock(ORDERS.get(Mutex::default));
    if let Some(queue) = orders.get_mut(order) {
        queue.push_back(Box::new(job));
        return Ok(());
    }
    let order = order.to_owned();
    let key = order.clone();
    spawn(move || run_in_order(&key, Box::new(job)))?;
    orders.insert(order, VecDeque::new());
    Ok(())
}

fn run_in_order(order: &Path, first: Job) {
    let mut job = first;
    loop {
        // A job that panics must not take those behind it along.
        let _ = catch_unwind(AssertUnwindSafe(job));
        let mut orders = lock(ORDERS.get(Mutex::default));
        match orders.get_mut(order).and_then(VecDeque::pop_front) {
            Some(next) => job = next,
            None => {
                orders.remove(order);
                return;
            }
        }
    }
}

/// Runs `job` at once, on a thread that is idle or on a new one.
pub(crate) fn spawn(job: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let pool = POOL.get(|| Pool {
        state: Mutex::default(),
        work: Condvar::new(),
    });
    let mut state = lock(&pool.state);
    state.jobs.push_back(Box::new(job));
    if state.idle >= state.jobs.len() {
        pool.work.notify_one();
        return Ok(());
    }
    drop(state);
    // With every signal blocked: a handler that ran here would not interrupt
    // the thread that the signal is meant for (Python's main thread).
    let started = fs::without_signals(|| {
        std::thread::Builder::new()
            .name("untorn".to_owned())
            .stack_size(STACK)
            .spawn(move || serve(pool))
    });
    if let Err(error) = started {
        // Unless another thread took it meanwhile, it is the last one still.
        lock(&pool.state).jobs.pop_back();
        return Err(error);
    }
    Ok(())
}

fn serve(pool: &'static Pool) {
    let mut state = lock(&pool.state);
    loop {
        while let Some(job) = state.jobs.pop_front() {
            drop(state);
            let _ = catch_unwind(AssertUnwindSafe(job));
            state = lock(&pool.state);
        }
        state.idle += 1;
        let (next, waited) = pool
            .work
            .wait_timeout(state, IDLE)
            .unwrap_or_else(PoisonError::into_inner);
        state = next;
        state.idle -= 1;
        if waited.timed_out() && state.jobs.is_empty() {
            return;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::submit;
    use std::path::Path;
    use std::sync::mpsc;

    #[test]
    fn one_order_runs_in_order_and_survives_a_panic() {
        let (done, results) = mpsc::channel();
        for n in 0..1000 {
            let done = done.clone();
            submit(Some(Path::new("order")), move || {
                done.send(n).unwrap();
                assert!(n % 100 != 7, "one of the jobs that panic");
            })
            .unwrap();
        }
        drop(done);
        assert_eq!(
            results.iter().collect::<Vec<_>>(),
            (0..1000).collect::<Vec<_>>()
        );
    }

    #[test]
    fn jobs_without_an_order_do_not_wait_for_each_other() {
        let (first, wait_first) = mpsc::channel::<()>();
        let (second, wait_second) = mpsc::channel::<()>();
        submit(None, move || {
            wait_first.recv().unwrap();
            second.send(()).unwrap();
        })
        .unwrap();
        submit(None, move || first.send(()).unwrap()).unwrap();
        wait_second.recv().unwrap();
    }
}
