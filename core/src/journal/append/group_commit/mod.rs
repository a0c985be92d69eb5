//! Commits in groups: of many calls on one handle, one leads and commits the records of
//! all.
//!
//! A call that finds no leader leads at once, without copying its record. If the lock
//! is free too, one try is enough (`append_at_once`). The other calls leave their
//! records in the queue and sleep. An asynchronous call leaves a callback instead.
//!
//! The leader takes the lock, and takes from the queue what one write may hold. It
//! writes, releases the lock and wakes the next leader. It syncs last, so others write
//! while it syncs. A call that gives up takes itself out of the queue, unless a leader
//! has already taken it.
//!
//! ```text
//! callers.rs       an append in the caller's own thread, which waits
//! asynchronous.rs  an append that leaves a callback
//! append_state.rs  whether a call leads, and the files that it works with: one writer at
//!                  a time; an append that is alone
//! request.rs       a call that waits; queue.rs: which of them are taken out
//! lead.rs          the leader; one write for many calls
//! under_lock.rs    all other changes of a journal
//! unwind.rs        a thread that panics leaves no other call waiting
//! ```

mod append_state;
mod asynchronous;
mod callers;
mod lead;
mod queue;
mod request;
mod under_lock;
mod unwind;

pub(crate) use append_state::Handle;
pub(crate) use asynchronous::append_queued;
pub(crate) use callers::append;
