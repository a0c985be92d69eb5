//! Threads of the library's own, for callers that must not block. They run a
//! lock's waiter in the kernel, and the [`crate::tasks`] of event loops.
//!
//! They never come from a runtime's pool. libuv has four threads, and four
//! calls that wait for a lock there stop every file operation of the program.
//!
//! A job may wait for a lock that another job must release, so only the system
//! limits the threads that wait. The threads that work have a limit. Jobs
//! beyond it stand in a queue, and so do jobs that the system gives no thread
//! for.
//!
//! ```text
//! pool.rs    the threads
//! order.rs   jobs that run one after another
//! after.rs   jobs that begin at a time; timers.rs: how the pool keeps them
//! ```

mod after;
mod order;
mod pool;
mod timers;

pub(crate) use after::{Timer, after};
pub(crate) use order::{
    over, run_soon, submit, submit_at_once, submit_if_first, submit_when_possible,
};
pub(crate) use pool::{keep_one, spawn, while_waiting};
pub(crate) use timers::Job;
