//! A state that is kept from the records of a journal.
//!
//! ```text
//! kept.rs    the state and its fold
//! cursor.rs  how far it is; turn.rs: what it takes in next, under the lock
//! ```

mod cursor;
mod kept;
mod turn;

pub use cursor::FoldCursor;
pub use kept::Fold;
pub use turn::{FoldTurn, Folded};
