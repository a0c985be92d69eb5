//! Transactions: several files of one directory that change together or not at
//! all.
//!
//! ```text
//! options.rs    the options of a transaction
//! directory.rs  the directory's lock; member.rs: a file and its staged change
//! commit.rs     the commit; plan.rs: its changes; stage.rs: its preparation
//! snapshot.rs   several files as they are at one instant
//! ```
//!
//! The recovery of a transaction whose owner died is with the locks:
//! `recovery/transaction`.

mod commit;
mod directory;
mod handle;
mod member;
mod options;
mod plan;
mod snapshot;
mod stage;
mod verbs;

pub use handle::Transaction;
pub use options::TransactionOptions;
pub use snapshot::{Snapshot, snapshot, snapshot_with};
