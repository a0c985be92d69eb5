//! Group commit: many calls on one handle, of which one leads and commits what all
//! have brought by the time it has the lock.
//!
//! A call that finds nobody leading leads at once, without copying its record. If
//! the lock is free too, it is done with one try (`append_at_once`). The others leave
//! their records in the queue and sleep; an asynchronous call leaves a callback
//! instead. The leader takes the lock, takes out of the queue what one write may
//! hold, writes, lets the lock go, wakes the next leader, and syncs last: so others
//! write while it syncs. A call that gives up takes itself out of the queue, unless a
//! leader has it in hand.
//!
//! ```text
//! callers.rs       an append in the caller's own thread
//! asynchronous.rs  one that leaves a callback
//! queue.rs         who waits, and one word for whether somebody leads
//! lead.rs          the one that leads; one write for many calls
//! desk.rs          what it works with: one at a time
//! unwind.rs        a thread that panics leaves no other call waiting
//! ```

mod asynchronous;
mod callers;
mod desk;
mod lead;
mod queue;
mod unwind;

pub(crate) use asynchronous::append_queued;
pub(crate) use callers::append;
pub(crate) use desk::Handle;
