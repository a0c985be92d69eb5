//! What the operating system knows of processes and of the locks they hold.

use std::io;

use super::seam::{Op, announce};
use super::{FileId, sys};

/// A process that holds a lock, as the system reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LockOwner {
    pub pid: u32,
}

pub(crate) fn own_pid() -> u32 {
    std::process::id()
}

/// When a process started, in the system's own unit: with the pid and the boot
/// id it names one process for ever. `Ok(None)`: there is no such process (a
/// zombie counts as none: it has let go of everything). `Err`: can't be known.
pub(crate) fn start_time(pid: u32) -> std::io::Result<Option<u64>> {
    sys::process::start_time(pid)
}

/// Whether the process was stopped by a signal, or by a debugger, as far as can
/// be told.
pub(crate) fn is_stopped(pid: u32) -> bool {
    sys::process::is_stopped(pid)
}

/// One value for each start of the machine.
pub(crate) fn boot_id() -> Option<String> {
    sys::process::boot_id()
}

/// Within which our pids and start times are counted, where the system has more
/// than one such count.
pub(crate) fn pid_namespace() -> Option<String> {
    sys::process::pid_namespace()
}

pub(crate) fn host_name() -> Option<String> {
    sys::process::host_name()
}

/// Who holds an flock on this file, where the system tells.
pub(crate) fn lock_owners(id: FileId) -> Vec<LockOwner> {
    sys::process::lock_owners(id)
}

/// Starts a thread of this library's own, with every signal blocked: a handler
/// that ran there would not interrupt the thread that the signal is meant for
/// (Python's main thread).
pub(crate) fn start_thread(
    name: &str,
    stack: usize,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    announce(Op::StartThread, None)?;
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(stack);
    without_signals(|| thread.spawn(work)).map(drop)
}

/// Runs `work` with every signal blocked on this thread; threads started in it
/// keep them blocked.
pub(crate) fn without_signals<T>(work: impl FnOnce() -> T) -> T {
    sys::process::without_signals(work)
}
