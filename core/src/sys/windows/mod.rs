//! The system calls of Windows 10 and later.
//!
//! Every file is opened with all share modes: without FILE_SHARE_DELETE a
//! reader would stop a document's replacement. Others do not do that (CPython's
//! `open`, virus scanners), so what they refuse for a moment is tried again:
//! see `patience.rs`.

pub(super) mod awaited;
pub(super) mod changes;
pub(super) mod child;
pub(super) mod errno;
pub(super) mod file;
pub(super) mod fork;
pub(super) mod lock;
pub(super) mod meta;
pub(super) mod number;
pub(super) mod path;
mod patience;
pub(super) mod process;
pub(super) mod volume;
pub(super) mod watch;

/// An open file of the system, and its lock.
#[derive(Debug)]
pub(super) struct Handle {
    file: std::fs::File,
    lock: lock::Place,
    /// Whoever keeps us from reading this one holds its lock, and not for a
    /// moment only.
    is_lock_file: bool,
    /// Asked for once: while a thread waits for a lock by this handle, the
    /// system lets every other call on it wait as well.
    id: std::sync::OnceLock<super::FileId>,
}
