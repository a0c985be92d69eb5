//! The work that was under way when a holder died. These files say how the lock
//! file records it, and how the next holder settles it. Each kind is whole in
//! one file.
//!
//! ```text
//! append.rs     kind 1: an append of many records (pieces.rs)
//! header.rs     kind 2: a header stamp
//! transaction/  kind 3: a member of a transaction
//! handover.rs   kind 4: a lock that is reserved for another process
//! rewrite.rs    kind 5: a rewrite
//! overwrite/    kind 6: a write in place
//! block.rs      what all kinds share; pending.rs: which kind it is
//! settle.rs     what the next holder does first
//! ```

mod append;
mod block;
pub(crate) mod handover;
mod header;
pub(crate) mod overwrite;
mod pending;
mod pieces;
mod rewrite;
mod settle;
pub(crate) mod transaction;

pub(crate) use append::{PendingAppend, is_within_a_line};
pub(crate) use block::clear_pending;
pub(crate) use header::{PendingStamp, StampNote};
pub(crate) use overwrite::PendingOverwrite;
pub(crate) use pending::{Pending, generation_of, look_at_pending};
pub(crate) use pieces::Pieces;
pub(crate) use rewrite::PendingRewrite;
pub(crate) use settle::{Recovered, is_due, settle};
pub(crate) use transaction::Mark;
