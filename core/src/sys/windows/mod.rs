//! The system calls of Windows 10 and later.
//!
//! Every file is opened with all share modes. Without FILE_SHARE_DELETE a
//! reader would stop a document's replacement. Other programs do not do that
//! (CPython's `open`, virus scanners). So a call that they refuse for a moment
//! is tried again: see `wait_policy.rs`.

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
    /// A lock file: if a process keeps us from reading it, that process holds
    /// its lock, and not only for a moment.
    is_lock_file: bool,
    /// Asked for once. While a thread waits for a lock by this handle, the
    /// system makes every other call on it wait as well.
    id: std::sync::OnceLock<super::FileId>,
}
