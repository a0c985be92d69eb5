//! The one seam to the operating system.
//!
//! All work on a disk, a lock or a process goes through here, and `cfg(unix)`
//! and `cfg(windows)` occur only here. Each function first announces itself to
//! [`seam`]. So the tests can record every call, fail any of them and cut a
//! write short. In a release build the announcement does nothing.
//!
//! ```text
//! file.rs  path.rs      what the rest of the crate calls
//! seam.rs               the announcement; fault.rs: what the tests make of it
//! changes.rs            reports of changes; notifier.rs: for systems without inotify
//! fork.rs  process.rs   what is known of processes; descriptor.rs: what
//!                       stays open, and what a forked child must not have
//! unix/  windows/       the system calls
//! ```

mod changes;
mod child;
mod descriptor;
#[cfg(feature = "fault")]
pub mod fault;
mod file;
mod fork;
#[cfg(untorn_interleaved)]
pub mod interleaved;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod notifier;
mod path;
mod process;
mod random;
mod seam;
#[cfg(unix)]
mod unix;
mod watch;
mod whole;
#[cfg(unix)]
use unix as sys;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as sys;

pub(crate) use changes::Changes;
pub(crate) use child::{Answer, Child, Order};
pub(crate) use descriptor::{Descriptor, Lasting, RecentLook, Tick, tick};
pub(crate) use file::{
    Access, File, InTheWay, Named, Rewritten, Rights, Role, is_bad_descriptor, is_lock_unsupported,
    is_stale, is_without_locks,
};
pub(crate) use fork::{PerProcess, generation};
pub(crate) use path::{
    Attributes, HAS_RIGHTS, MOVES_OPEN_FILES, absolute, canonical, create_parents, file_system,
    is_link, is_ours_to_remove, is_real_dir, link, list, list_kinds, look, may_copy_what_is_opened,
    metadata, real_parent, real_path, real_path_and_stat, remove_tree, rename, rights, same_file,
    stat, sync_parent, unlink, unlink_in,
};
pub(crate) use process::{
    LockLine, LockOwner, boot_id, host_name, is_stopped, lock_owners, lock_table, name_of, own_pid,
    pid_namespace, start_thread, start_time, without_signals,
};
pub(crate) use random::{random_number, random_word};
pub(crate) use watch::{Waker, Watch};
pub(crate) use whole::set_length;

/// The identity of the file that a name or a descriptor means: never two at one
/// time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FileId {
    pub device: u64,
    pub inode: u64,
}

/// The facts that opening a file reveals, on systems that ask for it anyway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub id: FileId,
    /// Whether its group, or every user, may write it.
    pub others_may_write: bool,
}

/// The result of a look at a name: the file's identity, and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub id: FileId,
    pub size: u64,
    pub is_file: bool,
    pub is_dir: bool,
    /// Whether the name itself is a link, if links are not followed.
    pub is_link: bool,
    /// Permission bits; 0 on systems without any.
    pub mode: u32,
    /// The number of the file's names.
    pub links: u64,
    /// Whether a file is mounted on this very name.
    pub is_mount_root: bool,
}

impl Stat {
    /// Returns whether the file may have another name. Each append asks this; it needs
    /// only what was read for the name anyway.
    #[inline]
    pub fn may_have_other_names(&self) -> bool {
        self.links > 1 || self.is_mount_root
    }
}
