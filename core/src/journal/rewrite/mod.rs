//! Rewrites: a new file takes the journal's place, whole or not at all, while others
//! append.
//!
//! ```text
//! verbs.rs     the methods of `Journal`: rewind, clear, replace and so on
//! steps.rs     a rewrite that its caller makes record by record
//! under.rs     the one lock that all its steps are made under
//! rewind.rs    back to a position
//! draft.rs     the new file while it is being written
//! publish.rs   the one place where it becomes the journal
//! in_place.rs  the same for a journal that keeps its inode; elsewhere.rs: for one that
//!              is no file
//! rotate.rs    an empty journal in its place; kept.rs: the old file kept under a
//!              name of its own
//! ```

mod draft;
mod elsewhere;
mod in_place;
mod kept;
mod publish;
mod rewind;
pub(crate) mod rotate;
mod steps;
mod under;
mod verbs;

pub use elsewhere::{NewLines, RewindTo};
pub use steps::Rewrite;

pub(crate) use under::Under;

pub(crate) use draft::Draft;
pub(crate) use publish::Old;
