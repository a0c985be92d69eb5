//! The system calls of Linux, macOS and the BSDs.

mod acl;
pub(super) mod awaited;
pub(super) mod changes;
pub(super) mod child;
mod copied;
pub(super) mod errno;
pub(super) mod file;
pub(super) mod fork;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) mod inotify;
pub(super) mod lock;
pub(super) mod meta;
mod opening;
pub(super) mod path;
pub(super) mod process;
mod stat;
pub(super) mod volume;
pub(super) mod watch;

pub(super) use file::number;

/// An open file of the system. `fs4` locks this type.
pub(super) type Handle = std::fs::File;
