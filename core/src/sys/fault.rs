//! The test implementation of the seam. It counts and records the system calls
//! of this thread, and fails the n-th with any error. It cuts a write short,
//! stops at a call as a killed process does, or runs a closure before a call.
//!
//! A plan belongs to the thread that installs it, so tests run side by side.
//!
//! ```
//! use untorn::fault::{Plan, Op};
//! # let dir = tempfile::tempdir().unwrap();
//! let journal = untorn::Journal::open(dir.path().join("a.jsonl")).unwrap();
//! let (result, calls) = Plan::new().run(|| journal.append(b"{}"));
//! result.unwrap();
//! assert!(calls.contains(&Op::Write));
//! ```

use std::cell::{Cell, RefCell};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

pub use super::seam::Op;
use super::{FileId, Stat, sys};

const EIO: i32 = 5;

/// Returns the system's number for a POSIX error number: the same on Unix,
/// another on Windows.
pub fn os_code(errno: i32) -> i32 {
    sys::errno::code(errno)
}

type Hook = Box<dyn FnMut(&Call<'_>)>;
type Judge = Box<dyn FnMut(&Call<'_>) -> Verdict>;

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The call is made.
    Go,
    /// The call fails with this error, a POSIX number (see [`os_code`]), and
    /// has no effect.
    Fail(i32),
    /// If it is a write, it writes only this many bytes.
    Short(usize),
}

/// The difference between the devices of files and the system's report of them.
static MOUNT: AtomicU64 = AtomicU64::new(0);

/// Puts every file of this process on another device from now on, with the same
/// inode number. So it is after a restart of the machine, or of a container.
/// Each number is one mount. For 0, the device is as the system reports it.
pub fn mounted_as(mount: u64) {
    MOUNT.store(mount, Ordering::Relaxed);
}

pub(super) fn device(device: u64) -> u64 {
    device ^ MOUNT.load(Ordering::Relaxed)
}

thread_local! {
    static ELSEWHERE: Cell<u64> = const { Cell::new(0) };
}

/// Ignores so many of each file's names on this thread from now on. A test
/// keeps files by names of its own.
pub fn names_elsewhere(names: u64) {
    ELSEWHERE.set(names);
}

pub(super) fn taken(seen: Stat) -> Stat {
    Stat {
        id: FileId {
            device: device(seen.id.device),
            ..seen.id
        },
        links: seen.links.saturating_sub(ELSEWHERE.get()),
        ..seen
    }
}

thread_local! {
    static CLOCK: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Stops the coarse clock of this thread at that tick; `None` lets it run. While it is
/// stopped, an append believes a name after one look at it, and not after several.
pub fn stop_clock(tick: Option<u64>) {
    CLOCK.set(tick);
}

pub(super) fn clock(tick: Option<u64>) -> Option<u64> {
    CLOCK.get().or(tick)
}

pub(super) fn needed(looks: u32) -> u32 {
    CLOCK.get().map_or(looks, |_| 1)
}

/// A system call that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Its number, from 0.
    pub number: usize,
    /// Its kind.
    pub op: Op,
    /// The name that it is on, or that the file was opened by.
    pub path: Option<&'a Path>,
}

/// Faults by the number of the call, counted from 0.
#[derive(Default)]
pub struct Plan {
    fail: Vec<(usize, i32)>,
    fail_every: Vec<(Op, i32)>,
    pretend: Vec<Op>,
    short: Option<(usize, usize)>,
    die: Option<usize>,
    hook: Option<Hook>,
    judge: Option<Judge>,
    calls: Vec<Op>,
}

thread_local! {
    static PLAN: RefCell<Option<Plan>> = const { RefCell::new(None) };
}

impl Plan {
    /// Makes a plan that only records.
    #[must_use]
    pub fn new() -> Plan {
        Plan::default()
    }

    /// Fails the `n`-th call with this error, a POSIX number (see [`os_code`]).
    /// The call has no effect.
    #[must_use]
    pub fn fail(mut self, n: usize, errno: i32) -> Plan {
        self.fail.push((n, errno));
        self
    }

    /// Fails every call of this kind with this error number, like a file system
    /// that does not support it.
    #[must_use]
    pub fn fail_every(mut self, op: Op, errno: i32) -> Plan {
        self.fail_every.push((op, errno));
        self
    }

    /// Makes calls of this kind (only locks so far) report success and do
    /// nothing, like a file system that pretends.
    #[must_use]
    pub fn pretend(mut self, op: Op) -> Plan {
        self.pretend.push(op);
        self
    }

    /// Limits the `n`-th call to this many bytes, if it is a write.
    #[must_use]
    pub fn short(mut self, n: usize, bytes: usize) -> Plan {
        self.short = Some((n, bytes));
        self
    }

    /// Fails the `n`-th call and all after it, without effect. The disk then
    /// holds what a process leaves that is killed before its `n`-th call.
    #[must_use]
    pub fn die(mut self, n: usize) -> Plan {
        self.die = Some(n);
        self
    }

    /// Runs a hook before each call. Calls made inside are neither counted nor
    /// failed.
    #[must_use]
    pub fn before(mut self, hook: impl FnMut(&Call<'_>) + 'static) -> Plan {
        self.hook = Some(Box::new(hook));
        self
    }

    /// Asks `judge` before each call for its outcome. Calls made inside are
    /// neither counted nor failed.
    #[must_use]
    pub fn judge(mut self, judge: impl FnMut(&Call<'_>) -> Verdict + 'static) -> Plan {
        self.judge = Some(Box::new(judge));
        self
    }

    /// Runs `work` under this plan. Returns its result and the calls it made.
    pub fn run<T>(self, work: impl FnOnce() -> T) -> (T, Vec<Op>) {
        struct Remove;
        impl Drop for Remove {
            fn drop(&mut self) {
                PLAN.with_borrow_mut(|plan| *plan = None);
            }
        }
        PLAN.with_borrow_mut(|plan| *plan = Some(self));
        let remove = Remove;
        let result = work();
        let calls = PLAN.with_borrow_mut(Option::take).map(|plan| plan.calls);
        drop(remove);
        (result, calls.unwrap_or_default())
    }
}

pub(super) fn announce(op: Op, path: Option<&Path>) -> io::Result<()> {
    step(op, path, usize::MAX).map(|_| ())
}

pub(super) fn announce_write(len: usize, path: Option<&Path>) -> io::Result<usize> {
    step(Op::Write, path, len)
}

/// Returns whether the plan leaves such a call out.
pub(super) fn pretends(op: Op) -> bool {
    PLAN.with_borrow(|plan| plan.as_ref().is_some_and(|plan| plan.pretend.contains(&op)))
}

/// Returns the plan's decision on this call: an error, or how many bytes may go
/// through.
fn step(op: Op, path: Option<&Path>, len: usize) -> io::Result<usize> {
    // Taken out while the hook runs, so that the hook's own calls are free.
    let Some(mut plan) = PLAN.with_borrow_mut(Option::take) else {
        return Ok(len);
    };
    let n = plan.calls.len();
    let call = Call {
        number: n,
        op,
        path,
    };
    if let Some(hook) = &mut plan.hook {
        hook(&call);
    }
    let verdict = plan
        .judge
        .as_mut()
        .map_or(Verdict::Go, |judge| judge(&call));
    plan.calls.push(op);
    let word = if plan.die.is_some_and(|at| n >= at) {
        Err(io::Error::from_raw_os_error(os_code(EIO)))
    } else if let Some((_, errno)) = plan.fail.iter().find(|(at, _)| *at == n) {
        Err(io::Error::from_raw_os_error(os_code(*errno)))
    } else if let Some((_, errno)) = plan.fail_every.iter().find(|(kind, _)| *kind == op) {
        Err(io::Error::from_raw_os_error(os_code(*errno)))
    } else if let Some((_, bytes)) = plan.short.filter(|(at, _)| *at == n) {
        Ok(len.min(bytes))
    } else if let Verdict::Fail(errno) = verdict {
        Err(io::Error::from_raw_os_error(os_code(errno)))
    } else if let Verdict::Short(bytes) = verdict {
        Ok(len.min(bytes))
    } else {
        Ok(len)
    };
    PLAN.with_borrow_mut(|slot| *slot = Some(plan));
    word
}
