//! Holds the tasks of one event loop.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::completions::{Completions, Outcome};
use super::event_loop::EventLoop;
use super::slots::Slots;
use super::task::Task;
use crate::background;

type Job = Box<dyn FnOnce() + Send>;

/// Holds the unfinished tasks of one event loop, and the results that the loop has not
/// taken.
pub struct TaskQueue<L: EventLoop> {
    completions: Arc<Completions<L>>,
    tasks: Mutex<Slots<Entry<L>>>,
    gathered: Mutex<Vec<Job>>,
}

struct Entry<L: EventLoop> {
    task: Arc<Task<L>>,
    promise: Option<L::Promise>,
}

/// Is a task that has ended.
pub struct Ended<L: EventLoop> {
    /// The task.
    pub task: Arc<Task<L>>,
    /// The promise that the loop kept for it.
    pub promise: Option<L::Promise>,
}

impl<L: EventLoop> TaskQueue<L> {
    /// Makes the queue of an event loop that is not open yet.
    #[must_use]
    pub fn new() -> Arc<TaskQueue<L>> {
        // Keeps a thread, so that tasks are queued, not refused, when the system gives
        // no more threads.
        background::keep_one();
        Arc::new(TaskQueue {
            completions: Arc::new(Completions::new()),
            tasks: Mutex::new(Slots::new()),
            gathered: Mutex::default(),
        })
    }

    /// Reports later results to this loop.
    pub fn open(&self, event_loop: Arc<L>) {
        self.completions.open(event_loop);
    }

    /// Returns the loop, unless it is closed.
    pub fn event_loop(&self) -> Option<Arc<L>> {
        self.completions.event_loop()
    }

    /// Returns whether the loop is open.
    pub fn is_open(&self) -> bool {
        self.completions.event_loop().is_some()
    }

    /// Begins a task, which has no work yet. A promise that is made later is added with
    /// [`TaskQueue::attach`].
    pub fn begin(
        &self,
        operation: &'static str,
        path: &Arc<Path>,
        promise: Option<L::Promise>,
    ) -> Arc<Task<L>> {
        let mut begun = None;
        self.tasks().insert(|id| {
            let task = Task::new(id, Arc::clone(&self.completions), operation, path);
            begun = Some(Arc::clone(&task));
            Entry { task, promise }
        });
        begun.unwrap_or_else(|| unreachable!("it was made just now"))
    }

    /// Adds the promise of a task that has not ended.
    pub fn attach(&self, id: u32, promise: L::Promise) {
        if let Some(entry) = self.tasks().get_mut(id) {
            entry.promise = Some(promise);
        }
    }

    /// Passes the promise of a task that has not ended to `change`.
    pub fn with_promise<R>(&self, id: u32, change: impl FnOnce(&mut L::Promise) -> R) -> Option<R> {
        self.tasks().get_mut(id)?.promise.as_mut().map(change)
    }

    /// Returns the task of this number, if it has not ended.
    pub fn task(&self, id: u32) -> Option<Arc<Task<L>>> {
        self.tasks()
            .get_mut(id)
            .map(|entry| Arc::clone(&entry.task))
    }

    /// Takes the results that have gathered, at most `limit`, in the order in which the
    /// tasks ended. The loop must then call [`TaskQueue::end`] for each.
    pub fn take(&self, limit: usize) -> VecDeque<(u32, Outcome<L>)> {
        self.completions.take(limit)
    }

    /// Frees the number of a task whose result was taken.
    pub fn end(&self, id: u32) -> Option<Ended<L>> {
        let Entry { task, promise } = self.tasks().remove(id)?;
        Some(Ended { task, promise })
    }

    /// Keeps a job for [`TaskQueue::flush`], which runs all jobs of one turn of the
    /// loop. Returns whether it is the first of them.
    pub fn gather(&self, job: impl FnOnce() + Send + 'static) -> bool {
        let mut gathered = self.gathered();
        gathered.push(Box::new(job));
        gathered.len() == 1
    }

    /// Runs the gathered jobs on this thread.
    pub fn flush(&self) {
        let gathered = std::mem::take(&mut *self.gathered());
        gathered.into_iter().for_each(|job| job());
    }

    /// Closes the queue with its loop. It drops the results that no loop will take, and
    /// the locks that they hold. Waiting tasks give up, except those that outlive the
    /// loop (see [`Task::outlive_loop`]).
    pub fn close(&self) {
        self.completions.close();
        self.flush();
        let entries = self.tasks().take_all();
        for Entry { task, .. } in &entries {
            if !task.outlives_loop() {
                task.give_up();
            }
        }
    }

    fn tasks(&self) -> MutexGuard<'_, Slots<Entry<L>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gathered(&self) -> MutexGuard<'_, Vec<Job>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
