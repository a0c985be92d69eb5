//! `P.redo`: what makes a write in place all or nothing.
//!
//! A file that carries its own lock must keep its inode, so it can't be
//! replaced. It is overwritten. `P.redo` holds the old bytes and the new ones,
//! synced before `P` is touched. Then, in `P`:
//!
//! 1. The first byte of the changed part becomes a mark (NUL, as a rule).
//!    Neither the old bytes nor the new ones begin with it. A reader of `P`
//!    that does not know of this can't take it for a value. No program saves
//!    such bytes by chance.
//! 2. The new bytes but for the first are written, and the new length.
//! 3. The first byte is written.
//! 4. `P` is synced, and `P.redo` cut to its head.
//!
//! ```text
//! record.rs    what P.redo notes
//! content.rs   bytes in memory or in a file
//! change.rs    the write, and back again if it fails
//! state.rs     what such a write can have left of P
//! redo_snapshot.rs   what readers see that have no lock
//! settle.rs    what a dead writer left
//! ```
//!
//! The head is the lock file's (`lockfile/`). Each write in place raises its
//! generation, and so a reader without a lock learns of the write.

mod change;
mod content;
mod record;
mod redo_snapshot;
mod settle;
mod state;

pub(crate) use change::{Change, note_append, note_way_back, overwrite};
pub(crate) use content::Content;
pub(crate) use record::{KIND, PendingOverwrite};
pub(crate) use redo_snapshot::{RedoSnapshot, read_document};
pub(crate) use settle::settle;
pub(crate) use state::{State, classify};
