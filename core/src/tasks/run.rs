//! Runs the work of a task, in its order among others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::completions::Outcome;
use super::event_loop::EventLoop;
use super::panicked::of_panic;
use super::task::Task;
use crate::background::{self, Job};
use crate::error::{Error, Result};
use crate::lock::{CallOptions, LockGuard};
use crate::oslock::Caller;

/// Says which other tasks of this process go before a task.
#[derive(Clone, Debug)]
pub enum Order {
    /// Earlier changes of one file. A task that tries once does not wait for them: it
    /// fails with `LOCKED`.
    File(PathBuf),
    /// Earlier steps of one handle. Each may wait for a lock.
    Handle(PathBuf),
    /// Earlier steps of one kind. None of them waits for a lock.
    Step(PathBuf),
    /// Some of the other tasks that never wait for a lock. Ten thousand reads at once
    /// must not get as many threads.
    Read,
    /// None. The task may wait for a lock.
    Unordered,
    /// None, and the task waits for no lock: it releases a lock, or is a step under one
    /// that is held.
    Immediate,
    /// The task tries once, and its binding knows that others are before it: it fails
    /// with `LOCKED`.
    Busy,
}

/// The orders of reads, and so how many reads run at once. They are relative, so they
/// never equal a file's path.
const READS: [&str; 4] = ["read/0", "read/1", "read/2", "read/3"];

impl Order {
    /// Returns the order for changes of one file. Under a held lock, the order is
    /// another than that of tasks that wait for this lock.
    pub fn of(path: &Path, lock: Option<&LockGuard>) -> Order {
        match lock {
            Some(guard) => Order::under(guard),
            None => Order::File(path.to_owned()),
        }
    }

    /// Returns the order for work under a held lock.
    pub fn under(guard: &LockGuard) -> Order {
        Order::Step(guard.lock_path().join("held"))
    }

    fn key(&self, id: u32) -> Option<&Path> {
        match self {
            Order::File(path) | Order::Handle(path) | Order::Step(path) => Some(path),
            Order::Read => Some(Path::new(one_of(&READS, id))),
            Order::Unordered | Order::Immediate | Order::Busy => None,
        }
    }
}

pub(super) fn one_of(keys: &[&'static str; 4], id: u32) -> &'static str {
    keys[(id % 4) as usize]
}

/// Says how the work of a task is done.
pub struct Placement {
    /// Its order.
    pub order: Order,
    /// Whether the task tries the lock only once.
    pub try_once: bool,
    /// The lock that it works under.
    pub lock: Option<Arc<LockGuard>>,
    /// Whether the work is done even if its caller cancels it, as the release of a lock
    /// is.
    pub always: bool,
    /// Whether the loop may receive the lock that the task takes, and keep it. A
    /// blocking call on the loop's thread that waits for such a lock would never end,
    /// so it fails with `DEADLOCK`. It may wait for a task that releases the lock
    /// itself.
    pub keeps_lock: bool,
}

impl Placement {
    /// Returns the placement of a task of this order.
    pub fn new(order: Order) -> Placement {
        Placement {
            order,
            try_once: false,
            lock: None,
            always: false,
            keeps_lock: true,
        }
    }
}

impl<L: EventLoop> Task<L> {
    /// Runs `work` on a thread of the library; `finish` makes its result ready for the
    /// loop. The loop limits how long the work waits, and ends it. Must be called on
    /// the loop's thread, without a lock of its language.
    pub fn run<T: Send + 'static>(
        self: &Arc<Self>,
        placement: Placement,
        work: impl FnOnce(&CallOptions<'_>) -> Result<T> + Send + 'static,
        finish: impl FnOnce(T) -> L::Value + Send + 'static,
    ) {
        let Placement {
            order,
            try_once,
            lock,
            always,
            keeps_lock,
        } = placement;
        if always {
            self.start();
        }
        let turn = Turn {
            task: Arc::clone(self),
            event_loop: Caller::current(),
            try_once,
            lock,
            always,
            keeps_lock,
        };
        // A binding has a hundred kinds of `work`. What is compiled for each of them is only this.
        let job = Box::new(move || {
            let mut both = Some((work, finish));
            turn.take(&mut |call| {
                let (work, finish) = both.take()?;
                Some(work(call).map(|value| Outcome::Done(finish(value))))
            });
        });
        self.submit(&order, try_once, job);
    }

    pub(super) fn submit(self: &Arc<Self>, order: &Order, try_once: bool, job: Job) {
        let key = order.key(self.id());
        let submitted = match order {
            Order::Busy => Ok(false),
            Order::File(key) if try_once => background::submit_if_first(key, job),
            Order::File(_) | Order::Handle(_) | Order::Unordered => {
                background::submit(key, job).map(|()| true)
            }
            Order::Step(_) | Order::Read | Order::Immediate => {
                background::run_soon(key, job);
                Ok(true)
            }
        };
        match submitted {
            Ok(true) => {}
            Ok(false) => self.fail_busy(),
            Err(error) => {
                self.complete(Err(Error::no_thread(self.operation(), self.path(), error)));
            }
        }
    }
}

/// Holds what a task works with when its turn comes.
struct Turn<L: EventLoop> {
    task: Arc<Task<L>>,
    event_loop: Caller,
    try_once: bool,
    lock: Option<Arc<LockGuard>>,
    always: bool,
    keeps_lock: bool,
}

impl<L: EventLoop> Turn<L> {
    /// Does the work, on a thread of the library. `work` gives nothing when it is called again.
    fn take(self, work: &mut dyn FnMut(&CallOptions<'_>) -> Option<Result<Outcome<L>>>) {
        let task = &self.task;
        if !self.always && !task.start() {
            return;
        }
        let caller = match self.keeps_lock {
            true => self.event_loop,
            false => Caller::current(),
        };
        let mut call = CallOptions::new()
            .caller(caller)
            .cancel(task.token())
            .timeout(self.try_once.then_some(Duration::ZERO));
        if let Some(guard) = &self.lock {
            call = call.lock(guard);
        }
        // A promise that is never settled would be worse than the panic.
        let result = catch_unwind(AssertUnwindSafe(|| work(&call)))
            .unwrap_or_else(|panic| Some(Err(of_panic(task.operation(), task.path(), &*panic))));
        if let Some(result) = result {
            task.complete(result);
        }
    }
}
