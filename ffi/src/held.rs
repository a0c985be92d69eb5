//! Lists the waiters of a lock, and the held locks below a directory.

use std::ffi::{CString, c_char};

use crate::argument::{Arguments, take_back};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::known_holder::Holder;
use crate::text::{c_path, pointer};

/// The processes that wait for a lock.
pub struct Waiters {
    pids: Vec<u32>,
}

/// The locks below a directory that a process holds.
pub struct Held {
    all: Vec<One>,
}

struct One {
    path: CString,
    holder: Holder,
    waiters: Vec<u32>,
}

/// Finds out which processes wait for the lock of the file at path now. Only Linux
/// reports them. Processes that wait in the scheme pid-file are not known. Free the list
/// with untorn_waiters_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lock_waiters(
    path: *const c_char,
    waiters_out: *mut *mut Waiters,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "waiters", || {
        let arguments = Arguments::of("waiters");
        // SAFETY: as the header says of every argument.
        let (path, waiters_out) = unsafe {
            let path = arguments.file(path, "path")?;
            (path, arguments.output(waiters_out, "waiters_out")?)
        };
        let found = untorn::waiters(path)?;
        let pids = found.into_iter().map(|process| process.pid).collect();
        waiters_out.give(Waiters { pids });
        Ok(())
    })
}

/// Returns the pid of the waiter number index, from 0; 0 if the list is shorter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_waiters_pid(waiters: *const Waiters, index: usize) -> u32 {
    // SAFETY: NULL or a list.
    let pid = unsafe { waiters.as_ref() }.and_then(|waiters| waiters.pids.get(index));
    pid.copied().unwrap_or(0)
}

/// Frees a list of waiters. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_waiters_free(waiters: *mut Waiters) {
    // SAFETY: NULL or a list, which the caller uses no more.
    unsafe { take_back(waiters) }
}

/// Finds all locks below the directory dir that a process holds, in order of path.
/// Elsewhere than on Linux, only those whose holder left its name are known. Free the
/// list with untorn_held_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_held_below(
    dir: *const c_char,
    held_out: *mut *mut Held,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "held", || {
        let arguments = Arguments::of("held");
        // SAFETY: as the header says of every argument.
        let (dir, held_out) = unsafe {
            let dir = arguments.file(dir, "dir")?;
            (dir, arguments.output(held_out, "held_out")?)
        };
        let found = untorn::held_below(dir)?.into_iter().map(|held| One {
            path: c_path(&held.path),
            waiters: held.waiters.iter().map(|process| process.pid).collect(),
            holder: Holder::new(held.holder),
        });
        let all = found.collect();
        held_out.give(Held { all });
        Ok(())
    })
}

/// Returns the path of the lock number index, from 0: the file whose lock it is. NULL if
/// the list is shorter. The string belongs to the list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_held_path(held: *const Held, index: usize) -> *const c_char {
    // SAFETY: NULL or a list.
    pointer(unsafe { held.as_ref() }.and_then(|held| Some(&held.all.get(index)?.path)))
}

/// Returns the holder of the lock number index; NULL if the list is shorter. It belongs
/// to the list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_held_holder(held: *const Held, index: usize) -> *const Holder {
    // SAFETY: NULL or a list.
    unsafe { held.as_ref() }
        .and_then(|held| held.all.get(index))
        .map_or(std::ptr::null(), |one| &raw const one.holder)
}

/// Returns the pid of the process that waits for the lock number index, as number waiter
/// from 0; 0 if fewer wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_held_waiter(held: *const Held, index: usize, waiter: usize) -> u32 {
    // SAFETY: NULL or a list.
    let one = unsafe { held.as_ref() }.and_then(|held| held.all.get(index));
    one.and_then(|one| one.waiters.get(waiter))
        .copied()
        .unwrap_or(0)
}

/// Frees a list of held locks. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_held_free(held: *mut Held) {
    // SAFETY: NULL or a list, which the caller uses no more.
    unsafe { take_back(held) }
}
