//! Appends: records made ready, the lead among the calls of one handle, one
//! write under the lock, one sync.
//!
//! ```text
//! batch.rs       what may be a record; several of them made ready for one write
//! group_commit/  many calls on one handle: one leads and commits for all
//! writer.rs      one append under the lock
//! write.rs       the write itself; rollback.rs: one that did not take everything
//! sync.rs        one sync for many
//! ```

mod batch;
pub(crate) mod group_commit;
mod rollback;
mod sync;
mod write;
mod writer;

pub use batch::Batch;

pub(crate) use batch::{Rules, is_blank};
pub(crate) use sync::{Epoch, Syncs};
pub(crate) use write::{append, failed, recordable};
pub(crate) use writer::{UNKNOWN, Work, Writer, Written, mend, sync_cut};
