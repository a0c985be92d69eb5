//! The identity of a process, which outlives its pid.

use std::ffi::{CString, c_char};

use untorn::{Alive, Process as CoreProcess};

use crate::argument::{Arguments, take_back};
use crate::code::Code;
use crate::error::Error;
use crate::guard::{guard, quietly};
use crate::text::{c_string, pointer};

/// Unknown: the process is on another host or in another container, or hidden
/// from this one.
pub const UNTORN_ALIVE_UNKNOWN: i32 = 0;
/// This process lives.
pub const UNTORN_ALIVE: i32 = 1;
/// It has ended. Another process may have its pid now.
pub const UNTORN_DEAD: i32 = 2;

/// The identity of a process: its pid, its start, the machine's boot, the
/// container and the host. Together they never repeat, but a pid does. The
/// strings that the untorn_process_ functions return belong to it.
pub struct Process {
    pub(crate) core: CoreProcess,
    boot: Option<CString>,
    host: Option<CString>,
    json: CString,
}

impl Process {
    fn new(core: CoreProcess) -> Process {
        let c = |text: &Option<String>| text.as_deref().map(c_string);
        Process {
            boot: c(&core.boot),
            host: c(&core.host),
            json: c_string(&core.to_json()),
            core,
        }
    }
}

/// The number in the header.
pub(crate) fn alive(alive: Alive) -> i32 {
    match alive {
        Alive::Alive => UNTORN_ALIVE,
        Alive::Dead => UNTORN_DEAD,
        Alive::Unknown => UNTORN_ALIVE_UNKNOWN,
    }
}

/// Returns this process. Free it with untorn_process_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_current(
    process_out: *mut *mut Process,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "process", || {
        // SAFETY: as the header says of every argument.
        let out = unsafe { Arguments::of("process").output(process_out, "process_out")? };
        out.give(Process::new(CoreProcess::current()));
        Ok(())
    })
}

/// Finds the process that has this pid now. If no process has it, *process_out is
/// a dead process whose start is 0. Free it with untorn_process_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_of(
    pid: u32,
    process_out: *mut *mut Process,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "process", || {
        // SAFETY: as the header says of every argument.
        let out = unsafe { Arguments::of("process").output(process_out, "process_out")? };
        out.give(Process::new(CoreProcess::of(pid)));
        Ok(())
    })
}

/// Reads a process that untorn_process_json() wrote, here or in another process,
/// now or earlier. Free it with untorn_process_free().
///
/// UNTORN_INVALID_ARGUMENT for any other text.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_from_json(
    json: *const c_char,
    process_out: *mut *mut Process,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "process", || {
        let arguments = Arguments::of("process");
        // SAFETY: as the header says of every argument.
        let (json, out) = unsafe {
            let json = arguments.required_text(json, "json")?;
            (json, arguments.output(process_out, "process_out")?)
        };
        out.give(Process::new(CoreProcess::from_json(&json)?));
        Ok(())
    })
}

/// Returns its pid; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_pid(process: *const Process) -> u32 {
    // SAFETY: NULL or a process.
    unsafe { process.as_ref() }.map_or(0, |process| process.core.pid)
}

/// Returns when it started, in the system's own unit (clock ticks since boot on
/// Linux); 0 if no such process existed or could be seen.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_start(process: *const Process) -> u64 {
    // SAFETY: NULL or a process.
    unsafe { process.as_ref() }
        .and_then(|process| process.core.start)
        .unwrap_or(0)
}

/// Returns the id of the machine's boot; NULL if unknown.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_boot(process: *const Process) -> *const c_char {
    // SAFETY: NULL or a process.
    pointer(unsafe { process.as_ref() }.and_then(|process| process.boot.as_ref()))
}

/// Returns the host; NULL if unknown.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_host(process: *const Process) -> *const c_char {
    // SAFETY: NULL or a process.
    pointer(unsafe { process.as_ref() }.and_then(|process| process.host.as_ref()))
}

/// Returns the identity as one line of JSON, to store or to send to another
/// process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_json(process: *const Process) -> *const c_char {
    // SAFETY: NULL or a process.
    pointer(unsafe { process.as_ref() }.map(|process| &process.json))
}

/// Checks whether it lives now: UNTORN_ALIVE, UNTORN_DEAD or
/// UNTORN_ALIVE_UNKNOWN. A zombie is dead, and so is a process whose pid another
/// one has now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_alive(process: *const Process) -> i32 {
    // SAFETY: NULL or a process.
    let Some(process) = (unsafe { process.as_ref() }) else {
        return UNTORN_ALIVE_UNKNOWN;
    };
    quietly(UNTORN_ALIVE_UNKNOWN, || alive(process.core.alive()))
}

/// Frees a process. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_free(process: *mut Process) {
    // SAFETY: NULL or a process of the caller's, who uses it no more.
    unsafe { take_back(process) }
}
