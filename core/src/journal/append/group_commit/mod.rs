//! Many calls on one handle: one of them leads and commits what all have brought
//! by the time it has the lock.
//!
//! ```text
//! commit.rs        an append in the caller's own thread; the one that leads
//! lead.rs          who leads, and whether somebody waits
//! queue.rs         the calls that wait behind the one that leads
//! group.rs         one write for many calls
//! asynchronous.rs  appends that leave a callback
//! ```

mod asynchronous;
pub(crate) mod commit;
mod group;
mod lead;
mod queue;

pub(crate) use asynchronous::append_queued;
pub(crate) use queue::Queue;
