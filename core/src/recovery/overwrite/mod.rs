//! `P.redo`: what makes a write in place all or nothing.
//!
//! A file that carries its own lock must keep its inode, so it can't be
//! replaced. It is overwritten. `P.redo` holds the old bytes and the new ones,
//! synced before `P` is touched. Then, in `P`:
//!
//! 1. the first byte of what changes becomes a mark (NUL, as a rule), which
//!    neither the old bytes begin with nor the new ones: whoever reads `P` now
//!    without knowing of this can't take it for a value, and nobody can save
//!    by chance what looks like it;
//! 2. the new bytes but for the first, and the new length;
//! 3. the first byte;
//! 4. `P` is synced, and `P.redo` cut to its head.
//!
//! ```text
//! record.rs    what P.redo notes
//! content.rs   bytes in memory or in a file
//! change.rs    the write, and back again if it fails
//! state.rs     what such a write can have left of P
//! glimpse.rs   what readers see that have no lock
//! settle.rs    what a dead writer left
//! ```
//!
//! The head is the lock file's (`lockfile/`). Each write in place raises its
//! generation, and so a reader without a lock learns of the write.

mod change;
mod content;
mod glimpse;
mod record;
mod settle;
mod state;

pub(crate) use change::{Change, note_append, note_way_back, overwrite};
pub(crate) use content::Content;
pub(crate) use glimpse::{Glimpse, read_document};
pub(crate) use record::{KIND, PendingOverwrite};
pub(crate) use settle::settle;
pub(crate) use state::{State, judge};
