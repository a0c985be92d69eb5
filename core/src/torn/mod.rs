//! Keeps the bytes that a repair cuts, in `P.torn`: nothing is thrown away.
//!
//! ```text
//! entry.rs   an entry: a line of JSON, then the bytes, then a newline
//! keep.rs    bytes that are about to be cut are kept first
//! list.rs    the entries of a journal, and how they are forgotten
//! ```

mod entry;
mod keep;
mod list;

pub(crate) use entry::path_for;
pub(crate) use keep::{Aside, Cut, keep, set_aside};
pub use list::TornEntry;
pub(crate) use list::{list, prune, read};
