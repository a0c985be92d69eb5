//! Appends records. One call of a handle leads and commits for all that wait, with one
//! write under the lock and one sync.
//!
//! ```text
//! verbs.rs       the methods of `Journal`
//! batch.rs       the records of one append
//! group_commit/  many calls on one handle: one leads and commits for all
//! commit.rs      one append under the lock; open.rs: the file that the path means now
//! writer.rs      what is remembered of the file between two appends
//! write.rs       many records, all or none; rollback.rs: a write that did not take
//!                everything
//! ```

mod batch;
mod commit;
pub(crate) mod group_commit;
mod open;
pub(crate) mod rollback;
mod verbs;
mod write;
mod writer;

pub use batch::Batch;

pub(crate) use batch::PendingWrite;
pub(crate) use write::{failed, recordable};
pub(crate) use writer::{UNKNOWN, Writer, Written};
