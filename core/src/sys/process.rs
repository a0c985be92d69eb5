//! The system's knowledge of processes and of the locks they hold.

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

/// Returns when a process started, in the system's own unit. With the pid and
/// the boot id it names one process forever. `Ok(None)`: the process does not
/// exist (a zombie counts as none, since it has released everything). `Err`: it
/// can't be known.
pub(crate) fn start_time(pid: u32) -> std::io::Result<Option<u64>> {
    sys::process::start_time(pid)
}

/// Returns the name of the process's program, if the system shows it.
pub(crate) fn name_of(pid: u32) -> Option<String> {
    sys::process::name_of(pid)
}

/// Returns whether the process was stopped by a signal, or by a debugger, as
/// far as the system shows it.
pub(crate) fn is_stopped(pid: u32) -> bool {
    sys::process::is_stopped(pid)
}

/// Returns one value for each start of the machine.
pub(crate) fn boot_id() -> Option<String> {
    sys::process::boot_id()
}

/// Returns the namespace in which our pids and start times are counted, if the
/// system has more than one.
pub(crate) fn pid_namespace() -> Option<String> {
    sys::process::pid_namespace()
}

pub(crate) fn host_name() -> Option<String> {
    sys::process::host_name()
}

/// Returns the holders of an flock on this file, if the system reports them.
pub(crate) fn lock_owners(id: FileId) -> Vec<LockOwner> {
    let locks = lock_table().unwrap_or_default();
    let of_this = |lock: &&LockLine| lock.id == id && !lock.is_waiting;
    let owners = locks.iter().filter(of_this);
    owners.map(|lock| LockOwner { pid: lock.pid }).collect()
}

/// A lock that a process holds or waits for, as the system reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LockLine {
    pub id: FileId,
    pub pid: u32,
    pub is_waiting: bool,
}

/// Lists all locks of files in the system; `None` if the system does not report them.
/// Processes of other pid namespaces are missing.
pub(crate) fn lock_table() -> Option<Vec<LockLine>> {
    sys::process::lock_table()
}

/// Starts a thread of this library's own, with every signal blocked. A handler
/// that ran there would not interrupt the thread that the signal is meant for
/// (Python's main thread).
pub(crate) fn start_thread(
    name: &str,
    stack: usize,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    announce(Op::StartThread, None)?;
    #[cfg(untorn_interleaved)]
    {
        let _ = (name, stack);
        shuttle::thread::spawn(work);
        Ok(())
    }
    #[cfg(not(untorn_interleaved))]
    start_of_system(name, stack, work)
}

#[cfg(not(untorn_interleaved))]
fn start_of_system(
    name: &str,
    stack: usize,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(stack);
    without_signals(|| thread.spawn(work)).map(drop)
}

/// Runs `work` with every signal blocked on this thread. Threads started in it
/// keep them blocked.
pub(crate) fn without_signals<T>(work: impl FnOnce() -> T) -> T {
    sys::process::without_signals(work)
}
