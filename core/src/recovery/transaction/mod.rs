//! Kind 3: the file is a member of a transaction whose owner died.
//!
//! ```text
//! mark.rs      the mark in a member's lock file
//! manifest.rs  what the transaction changes; names.rs: in which files
//! apply.rs     makes the changes, or unmakes them
//! settle.rs    which of both, and under which locks
//! ```
//!
//! Whoever settles it needs the lock of every member, and may hold locks of his
//! own. So that nobody ever waits in a circle: he lets the member go first, and
//! takes the lock of those that settle in this directory. Under that, the
//! manifest is still there or it is not. If it is, every member's lock is free
//! or held for a moment by another who has just found the mark and lets go
//! again: who has had a member's lock for longer has settled it. If it is not,
//! there is nothing left to do. A live transaction is waited for like any other
//! holder: it holds the locks of its members, and the directory's, for as long as
//! they are marked. What became of it meanwhile is read again under all locks.

mod apply;
mod manifest;
pub(crate) mod mark;
pub(crate) mod names;
mod settle;

pub(crate) use apply::{Whose, append, create, remove_temporaries, rename, undo};
pub(crate) use manifest::{Action, Change, Id, Manifest, State};
pub(crate) use mark::Mark;
pub(crate) use settle::{
    append_from, directory_lock, look, look_for_manifest, member_lock, settle, settle_directory,
};
