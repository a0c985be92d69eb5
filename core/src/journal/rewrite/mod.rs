//! Rewrites: a new file takes the journal's place, whole or not at all, while
//! others append.
//!
//! ```text
//! verbs.rs     rewind, replace, compact and so on: what callers see
//! draft.rs     the new file while it is being written
//! publish.rs   the one place where it becomes the journal
//! in_place.rs  the same where the journal keeps its inode
//! rotate.rs    the old file kept under a name of its own
//! ```

mod draft;
mod in_place;
mod publish;
pub(super) mod rotate;
mod verbs;

pub use verbs::Rewrite;

pub(super) use verbs::Under;

pub(super) use draft::Draft;
pub(super) use publish::Old;
