//! Runs the asynchronous calls of the bindings, as tasks whose results an event loop
//! takes. It is not part of the public interface, and may change at any time.
//!
//! A [`TaskQueue`] belongs to one event loop. A binding begins a [`Task`] there, keeps
//! its promise in the queue, and gives the task its work. A thread of the library does
//! the work, in the [`Order`] that the binding names. The results gather in the queue,
//! and one wake-up of the loop takes all that have gathered.
//!
//! A binding supplies only two things: its loop's wake-up, and how a value of its
//! language is made (see [`EventLoop`]). It also keeps the time: it calls
//! [`Task::expire`] when a deadline has passed.
//!
//! ```text
//! event_loop.rs   the part that a binding supplies
//! completions.rs  from the library's threads back to the event loop
//! task.rs         one task: its stages, its cancellation, its deadline
//! queue.rs        the tasks of one event loop; slots.rs: their numbers
//! run.rs          the work of a task, and its order; panicked.rs: its panic
//! watch.rs        tasks that look again and again, without a thread of their own
//! ```

mod completions;
mod event_loop;
mod panicked;
mod queue;
mod run;
mod slots;
mod task;
mod watch;

pub use completions::Outcome;
pub use event_loop::EventLoop;
pub use panicked::of_panic;
pub use queue::{Ended, TaskQueue};
pub use run::{Order, Placement};
pub use task::Task;
pub use watch::{Source, Wake, WatchOrder};

/// Runs a wait that another thread ends, as for the answer of a server. Meanwhile the
/// thread does not count among those that work, which are limited.
pub fn while_waiting<T>(wait: impl FnOnce() -> T) -> T {
    crate::background::while_waiting(wait)
}
