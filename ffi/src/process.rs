//! Which process, for longer than its pid says it.

use std::ffi::{CString, c_char};

use untorn::{Alive, Process as CoreProcess};

use crate::argument::{Arguments, take_back};
use crate::code::Code;
use crate::error::Error;
use crate::guard::{guard, quietly};
use crate::text::{c_string, pointer};

/// It can't be known whether the process lives: it is of another host or
/// another container, or hidden from us.
pub const UNTORN_ALIVE_UNKNOWN: i32 = 0;
/// The very process lives.
pub const UNTORN_ALIVE: i32 = 1;
/// It has ended; another may have its pid by now.
pub const UNTORN_DEAD: i32 = 2;

/// A process, named for ever: its pid, its start, the start of the machine, the
/// container and the host together never repeat, while a pid by itself does. What
/// the functions below return belongs to it.
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

/// This process. To be freed with untorn_process_free().
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

/// The process that has this pid now. Where nobody has it, *process_out is a
/// process that is dead, and its start is 0. To be freed with
/// untorn_process_free().
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

/// The process that untorn_process_json() was asked of: here, in another process
/// or before. To be freed with untorn_process_free().
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

/// Its pid; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_pid(process: *const Process) -> u32 {
    // SAFETY: NULL or a process.
    unsafe { process.as_ref() }.map_or(0, |process| process.core.pid)
}

/// When it started, in the system's own unit (clock ticks since boot on
/// Linux); 0 where there was no such process or it could not be seen.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_start(process: *const Process) -> u64 {
    // SAFETY: NULL or a process.
    unsafe { process.as_ref() }
        .and_then(|process| process.core.start)
        .unwrap_or(0)
}

/// In which start of the machine; NULL if it is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_boot(process: *const Process) -> *const c_char {
    // SAFETY: NULL or a process.
    pointer(unsafe { process.as_ref() }.and_then(|process| process.boot.as_ref()))
}

/// On which host; NULL if it is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_host(process: *const Process) -> *const c_char {
    // SAFETY: NULL or a process.
    pointer(unsafe { process.as_ref() }.and_then(|process| process.host.as_ref()))
}

/// All of it as one line of JSON, to be stored or handed to another process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_json(process: *const Process) -> *const c_char {
    // SAFETY: NULL or a process.
    pointer(unsafe { process.as_ref() }.map(|process| &process.json))
}

/// Whether it lives, asked now: UNTORN_ALIVE, UNTORN_DEAD (also a zombie, and a
/// pid that another process has by now) or UNTORN_ALIVE_UNKNOWN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_alive(process: *const Process) -> i32 {
    // SAFETY: NULL or a process.
    let Some(process) = (unsafe { process.as_ref() }) else {
        return UNTORN_ALIVE_UNKNOWN;
    };
    quietly(UNTORN_ALIVE_UNKNOWN, || alive(process.core.alive()))
}

/// Frees a process. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_process_free(process: *mut Process) {
    // SAFETY: NULL or a process of the caller's, who uses it no more.
    unsafe { take_back(process) }
}
