//! Kind 3: the file is a member of a transaction whose owner died.
//!
//! ```text
//! mark.rs      the mark in a member's lock file
//! manifest.rs  what the transaction changes: each file (change.rs), by which name (names.rs)
//! apply.rs     makes the changes, or unmakes them
//! settle.rs    which of both, and under which locks
//! ```
//!
//! The settler needs the lock of every member, and its caller may hold locks of
//! its own. No process may ever wait in a circle. So it releases the member's
//! lock first, and takes the lock of the settlers in this directory. Under
//! that, it looks for the manifest. If it exists, every member's lock is free,
//! or another process has just found the mark and releases the lock at once. A
//! process that has held a member's lock for longer has settled it. If the
//! manifest is missing, nothing is left to do. A live transaction is waited for
//! like any other holder. It holds the locks of its members and of the
//! directory for as long as they are marked. The settler reads the state again
//! under all locks.

mod appends;
mod apply;
mod change;
mod manifest;
pub(crate) mod mark;
pub(crate) mod names;
mod settle;

pub(crate) use appends::{Whose, append};
pub(crate) use apply::{create, remove_temporaries, rename, undo};
pub(crate) use change::{Action, Change};
pub(crate) use manifest::{Id, Manifest, State};
pub(crate) use mark::Mark;
pub(crate) use settle::{
    append_from, directory_lock, look, look_for_manifest, member_lock, settle, settle_directory,
};
