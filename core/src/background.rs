//! Threads of the library's own, for callers that must not block. They run a
//! lock's waiter in the kernel, and the work of asynchronous bindings.
//!
//! They never come from a runtime's pool. libuv has four threads, and four
//! calls that wait for a lock there stop every file operation of the program.
//!
//! A job may wait for a lock that another job must release, so only the system
//! limits the threads that wait. The threads that work have a limit. Jobs
//! beyond it stand in a queue, and so do jobs that the system gives no thread
//! for.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::sys::{self, PerProcess};

/// Work that is handed over.
pub type Job = Box<dyn FnOnce() + Send>;

/// How long a thread without work is kept.
const IDLE: Duration = Duration::from_secs(10);
/// Nothing here recurses.
const STACK: usize = 256 * 1024;
/// How many threads work at once; threads that wait for a lock are not counted.
const WORKING: usize = 64;

struct Pool {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    threads: usize,
    idle: usize,
    /// The threads that wait for a lock, or for another thread.
    waiting: usize,
    /// One thread stays, even if there is no work for long.
    keeps_one: bool,
    jobs: VecDeque<Job>,
}

/// Jobs that run one after another: one runs, and these wait.
#[derive(Default)]
struct Lane {
    queue: VecDeque<Job>,
    /// The running job has reported its end.
    over: bool,
}

impl State {
    fn working(&self) -> usize {
        self.threads - self.idle - self.waiting
    }
}

static POOL: PerProcess<Pool> = PerProcess::new();
static ORDERS: PerProcess<Mutex<HashMap<PathBuf, Lane>>> = PerProcess::new();

thread_local! {
    /// Whether this thread is one of the pool's.
    static SERVES: Cell<bool> = const { Cell::new(false) };
    /// The order of the job that this thread runs.
    static ORDER: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
}

fn pool() -> &'static Pool {
    POOL.get(|| Pool {
        state: Mutex::default(),
        work: Condvar::new(),
    })
}

/// Runs `job` on a thread of the library's own. Jobs with one `order` run one
/// after another, as they came. All others run at once.
///
/// # Errors
/// The system's error, if it gives no thread and none exists yet. The job is
/// dropped then.
pub fn submit(order: Option<&Path>, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
    match order {
        Some(order) => queue_up(order, Box::new(job), true).map(|_| ()),
        None => spawn(job),
    }
}

/// Does the same, unless another job of this order has not yet reported its
/// end. Then it returns `false`, and the job is dropped. This is for a call
/// that must try only once, and not wait.
///
/// # Errors
/// As [`submit`].
pub fn submit_if_first(order: &Path, job: impl FnOnce() + Send + 'static) -> io::Result<bool> {
    queue_up(order, Box::new(job), false)
}

/// Does what [`submit`] does for a job that waits for no lock. Others may wait
/// for this job, so it must not queue after them.
///
/// # Errors
/// The job, if no thread can run it now: the caller runs it itself.
pub fn submit_at_once(
    order: Option<&Path>,
    job: impl FnOnce() + Send + 'static,
) -> Result<(), Job> {
    let Some(order) = order else {
        return spawn_at_once(Box::new(job));
    };
    let mut orders = lock(ORDERS.get(Mutex::default));
    if let Some(lane) = orders.get_mut(order) {
        lane.queue.push_back(Box::new(job));
        return Ok(());
    }
    let order = order.to_owned();
    let key = order.clone();
    orders.insert(order, Lane::default());
    spawn_at_once(Box::new(move || run_in_order(&key, Box::new(job))))
}

fn spawn_at_once(job: Job) -> Result<(), Job> {
    let pool = pool();
    let mut state = lock(&pool.state);
    if state.idle > state.jobs.len() {
        // In front: those after it may need it.
        state.jobs.push_front(job);
        pool.work.notify_one();
        return Ok(());
    }
    if state.working() >= WORKING {
        // None of them waits for anything, so one will soon be done.
        state.jobs.push_front(job);
        return Ok(());
    }
    start(pool, &mut state, job).map_err(|(_, job)| job)
}

/// Starts a thread that stays. If the system later gives no more threads, this
/// one does the jobs, so none is refused. It is for bindings whose library is
/// never unloaded.
pub fn keep_one() {
    let pool = pool();
    let mut state = lock(&pool.state);
    state.keeps_one = true;
    if state.threads == 0 {
        let _ = start(pool, &mut state, Box::new(|| {}));
    }
}

/// Returns `false` if the job must not wait, and others are before it.
fn queue_up(order: &Path, job: Job, may_wait: bool) -> io::Result<bool> {
    let mut orders = lock(ORDERS.get(Mutex::default));
    if let Some(lane) = orders.get_mut(order) {
        let queues = may_wait || (lane.over && lane.queue.is_empty());
        if queues {
            lane.queue.push_back(job);
        }
        return Ok(queues);
    }
    let order = order.to_owned();
    let key = order.clone();
    spawn(move || run_in_order(&key, job))?;
    orders.insert(order, Lane::default());
    Ok(true)
}

/// Notes that this thread's job is about to report its end. Its caller then
/// does not block its own next call that tries only once (see
/// [`submit_if_first`]).
pub fn over() {
    ORDER.with_borrow(|order| {
        if let Some(order) = order
            && let Some(lane) = lock(ORDERS.get(Mutex::default)).get_mut(order)
        {
            lane.over = true;
        }
    });
}

fn run_in_order(order: &Path, first: Job) {
    let mut job = first;
    ORDER.set(Some(order.to_owned()));
    loop {
        // A job that panics must not take those after it along.
        let _ = catch_unwind(AssertUnwindSafe(job));
        let mut orders = lock(ORDERS.get(Mutex::default));
        let next = orders.get_mut(order).and_then(|lane| {
            lane.over = false;
            lane.queue.pop_front()
        });
        match next {
            Some(next) => job = next,
            None => {
                orders.remove(order);
                break;
            }
        }
    }
    ORDER.set(None);
}

/// Runs `job` on a thread that is idle, or on a new one. If there may be no
/// more threads, the next one that is done runs it.
pub(crate) fn spawn(job: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let pool = pool();
    let mut state = lock(&pool.state);
    if state.idle > state.jobs.len() {
        state.jobs.push_back(Box::new(job));
        pool.work.notify_one();
        return Ok(());
    }
    if state.working() >= WORKING {
        state.jobs.push_back(Box::new(job));
        return Ok(());
    }
    match start(pool, &mut state, Box::new(job)) {
        Ok(()) => Ok(()),
        Err((_, job)) if state.threads > 0 => {
            state.jobs.push_back(job);
            Ok(())
        }
        Err((error, _)) => Err(error),
    }
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
    SERVES.set(true);
    let mut next = first;
    while let Some(job) = next.or_else(|| wait_for_work(pool)) {
        let _ = catch_unwind(AssertUnwindSafe(job));
        next = lock(&pool.state).jobs.pop_front();
    }
}

/// Waits for a job. Returns `None` if there is no work, and the thread must
/// end.
fn wait_for_work(pool: &Pool) -> Option<Job> {
    let mut state = lock(&pool.state);
    state.idle += 1;
    loop {
        if let Some(job) = state.jobs.pop_front() {
            state.idle -= 1;
            return Some(job);
        }
        let (woken, waited) = pool
            .work
            .wait_timeout(state, IDLE)
            .unwrap_or_else(PoisonError::into_inner);
        state = woken;
        let stays = state.keeps_one && state.threads == 1;
        if waited.timed_out() && state.jobs.is_empty() && !stays {
            state.idle -= 1;
            state.threads -= 1;
            return None;
        }
    }
}

/// Runs a wait that another thread ends. Meanwhile this thread does not count
/// as working, so that the job that ends the wait gets a thread.
pub(crate) fn while_waiting<T>(wait: impl FnOnce() -> T) -> T {
    if !SERVES.get() {
        return wait();
    }
    let _waiting = Waiting::begin();
    wait()
}

struct Waiting(&'static Pool);

impl Waiting {
    fn begin() -> Waiting {
        let pool = pool();
        // A wait within this one does not count once more.
        SERVES.set(false);
        let mut state = lock(&pool.state);
        state.waiting += 1;
        if state.idle == 0
            && state.working() < WORKING
            && let Some(job) = state.jobs.pop_front()
            && let Err((_, job)) = start(pool, &mut state, job)
        {
            state.jobs.push_front(job);
        }
        Waiting(pool)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        lock(&self.0.state).waiting -= 1;
        SERVES.set(true);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{WORKING, over, submit, submit_if_first};
    use crate::oslock::Patience;
    use crate::oslock::Waiter;
    use std::path::Path;
    use std::sync::{Arc, mpsc};

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

    /// More jobs than may work at once, each of which waits for the next.
    #[test]
    fn jobs_that_wait_do_not_keep_others_from_a_thread() {
        let jobs = 4 * WORKING;
        let words: Vec<Arc<Waiter<()>>> = (0..=jobs).map(|_| Arc::new(Waiter::new())).collect();
        let (done, ended) = mpsc::channel();
        for n in 0..jobs {
            let (own, next) = (Arc::clone(&words[n + 1]), Arc::clone(&words[n]));
            let done = done.clone();
            submit(None, move || {
                own.wait(&Patience::endless()).unwrap();
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

    #[test]
    fn a_job_that_tries_once_stands_behind_none_that_has_not_told_its_end() {
        let order = Path::new("tries once");
        let (go, wait) = mpsc::channel::<()>();
        let (told, tells) = mpsc::channel();
        let again = told.clone();
        let first = submit_if_first(order, move || {
            told.send("begun").unwrap();
            wait.recv().unwrap();
            over();
            told.send("over").unwrap();
            wait.recv().unwrap();
        });
        assert!(first.unwrap());
        assert_eq!(tells.recv().unwrap(), "begun");
        assert!(!submit_if_first(order, || panic!("it was queued")).unwrap());
        go.send(()).unwrap();
        assert_eq!(tells.recv().unwrap(), "over");
        assert!(submit_if_first(order, move || again.send("second").unwrap()).unwrap());
        assert!(!submit_if_first(order, || panic!("it was queued")).unwrap());
        go.send(()).unwrap();
        assert_eq!(tells.recv().unwrap(), "second");
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
