//! Runs jobs one after another.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::pool::{lock, spawn, spawn_at_once, spawn_job, spawn_when_possible};
use super::timers::Job;
use crate::sync::Mutex;
use crate::sys::PerProcess;

/// Holds the jobs of one order: one runs, and these wait.
#[derive(Default)]
struct Waiting {
    queue: VecDeque<Job>,
    /// The running job has reported its end.
    over: bool,
}

static ORDERS: PerProcess<Mutex<HashMap<PathBuf, Waiting>>> = PerProcess::new();

crate::sync::thread_local! {
    /// The order of the job that this thread runs.
    static ORDER: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
}

/// Runs `job` on a thread of the library's own. Jobs with one `order` run one
/// after another, as they came. All others run at once.
///
/// # Errors
/// The system's error, if it gives no thread and none exists yet. The job is
/// dropped then.
pub(crate) fn submit(order: Option<&Path>, job: Job) -> io::Result<()> {
    match order {
        Some(order) => queue_up(order, job, true).map(|_| ()),
        None => spawn_job(job),
    }
}

/// Does the same as [`submit`], unless another job of this order has not yet reported
/// its end. Then it drops the job and returns `false`. It is for a call that must try
/// only once, and not wait.
///
/// # Errors
/// As [`submit`].
pub(crate) fn submit_if_first(order: &Path, job: Job) -> io::Result<bool> {
    queue_up(order, job, false)
}

/// Does what [`submit`] does for a job that waits for no lock. Others may wait
/// for this job, so it must not queue after them.
///
/// # Errors
/// The job, if no thread can run it now: the caller runs it itself.
pub(crate) fn submit_at_once(order: Option<&Path>, job: Job) -> Result<(), Job> {
    let Some(order) = order else {
        return spawn_at_once(job);
    };
    let mut orders = lock(ORDERS.get(Mutex::default));
    if let Some(waiting) = orders.get_mut(order) {
        waiting.queue.push_back(job);
        return Ok(());
    }
    let order = order.to_owned();
    let key = order.clone();
    orders.insert(order, Waiting::default());
    spawn_at_once(Box::new(move || run_in_order(&key, job)))
}

/// Does the same as [`submit_at_once`], and runs the job here if no thread can.
pub(crate) fn run_soon(order: Option<&Path>, job: Job) {
    if let Err(job) = submit_at_once(order, job) {
        job();
    }
}

/// Does the same for a caller that must not run the job. The job waits until a thread
/// can run it.
pub(crate) fn submit_when_possible(order: &Path, job: Job) {
    if let Err(job) = submit_at_once(Some(order), job) {
        spawn_when_possible(job);
    }
}

/// Queues the job. Returns `false` if it must not wait, and others are before it.
fn queue_up(order: &Path, job: Job, may_wait: bool) -> io::Result<bool> {
    let mut orders = lock(ORDERS.get(Mutex::default));
    if let Some(waiting) = orders.get_mut(order) {
        let queues = may_wait || (waiting.over && waiting.queue.is_empty());
        if queues {
            waiting.queue.push_back(job);
        }
        return Ok(queues);
    }
    let order = order.to_owned();
    let key = order.clone();
    spawn(move || run_in_order(&key, job))?;
    orders.insert(order, Waiting::default());
    Ok(true)
}

/// Notes that this thread's job is about to report its end. Its caller then
/// does not block its own next call that tries only once (see
/// [`submit_if_first`]).
pub(crate) fn over() {
    ORDER.with(|order| {
        if let Some(order) = &*order.borrow()
            && let Some(waiting) = lock(ORDERS.get(Mutex::default)).get_mut(order)
        {
            waiting.over = true;
        }
    });
}

fn run_in_order(order: &Path, first: Job) {
    let mut job = first;
    ORDER.with(|own| own.replace(Some(order.to_owned())));
    loop {
        // A job that panics must not end the jobs after it.
        let _ = catch_unwind(AssertUnwindSafe(job));
        let mut orders = lock(ORDERS.get(Mutex::default));
        let next = orders.get_mut(order).and_then(|waiting| {
            waiting.over = false;
            waiting.queue.pop_front()
        });
        match next {
            Some(next) => job = next,
            None => {
                orders.remove(order);
                break;
            }
        }
    }
    ORDER.with(|own| own.replace(None));
}

#[cfg(test)]
mod tests {
    use super::over;
    use std::path::Path;
    use std::sync::mpsc;

    fn submit(order: Option<&Path>, job: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        super::submit(order, Box::new(job))
    }

    fn submit_if_first(order: &Path, job: impl FnOnce() + Send + 'static) -> std::io::Result<bool> {
        super::submit_if_first(order, Box::new(job))
    }

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
    fn a_job_that_tries_once_stands_behind_none_that_has_not_reported_its_end() {
        let order = Path::new("tries once");
        let (go, wait) = mpsc::channel::<()>();
        let (os_error, tells) = mpsc::channel();
        let again = os_error.clone();
        let first = submit_if_first(order, move || {
            os_error.send("begun").unwrap();
            wait.recv().unwrap();
            over();
            os_error.send("over").unwrap();
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
