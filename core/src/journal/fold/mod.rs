//! Keeps a state from the records of a journal.
//!
//! ```text
//! kept.rs    the state and its fold
//! cursor.rs  the place of the state; turn.rs: the next records, under the lock
//! ```

mod cursor;
mod kept;
mod turn;

pub use cursor::FoldCursor;
pub use kept::Fold;
pub use turn::{FoldTurn, Folded};
