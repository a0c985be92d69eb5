//! The state of a process.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::Once;

use windows_sys::Win32::Foundation::{ERROR_INVALID_PARAMETER, FILETIME, WAIT_TIMEOUT};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};
use windows_sys::Win32::System::SystemInformation::{
    ComputerNamePhysicalDnsHostname, GetComputerNameExW,
};
use windows_sys::Win32::System::Threading::{
    GetProcessId, GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
    PROCESS_SYNCHRONIZE, WaitForSingleObject,
};

use super::patience::{checked, code};
use crate::sys::LockLine;

/// Returns the creation time, in units of 100 ns since 1601. So it also
/// distinguishes two processes of one pid from before and after a restart of
/// the machine.
pub(in crate::sys) fn start_time(pid: u32) -> io::Result<Option<u64>> {
    let access = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE;
    // SAFETY: makes a handle or says why not.
    let handle = unsafe { OpenProcess(access, 0, pid) };
    if handle.is_null() {
        let error = io::Error::last_os_error();
        return match code(&error) {
            ERROR_INVALID_PARAMETER => Ok(None),
            _ => Err(error),
        };
    }
    // SAFETY: just made, and owned by this code only.
    let process = unsafe { OwnedHandle::from_raw_handle(handle) };
    let handle = process.as_raw_handle();
    // The system rounds a pid down to a multiple of four.
    // SAFETY: `handle` is open; both calls only ask.
    let (real, ended) = unsafe { (GetProcessId(handle), WaitForSingleObject(handle, 0)) };
    // It lives on as an object for as long as a process has a handle of it.
    if real != pid || ended != WAIT_TIMEOUT {
        return Ok(None);
    }
    let [mut created, mut exited, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: writes to the four and nothing else.
    checked(unsafe {
        GetProcessTimes(
            handle,
            &raw mut created,
            &raw mut exited,
            &raw mut kernel,
            &raw mut user,
        )
    })?;
    let (high, low) = (created.dwHighDateTime, created.dwLowDateTime);
    Ok(Some(u64::from(high) << 32 | u64::from(low)))
}

/// Returns `false`, since the system does not report it here.
pub(in crate::sys) fn name_of(_: u32) -> Option<String> {
    None
}

pub(in crate::sys) fn is_stopped(_: u32) -> bool {
    false
}

/// Returns `None`: Windows has none, and start times are enough, see there.
pub(in crate::sys) fn boot_id() -> Option<String> {
    None
}

pub(in crate::sys) fn host_name() -> Option<String> {
    let mut name = [0; 256];
    let mut length = 256;
    // SAFETY: `name` has room for `length` characters.
    let done = unsafe {
        GetComputerNameExW(
            ComputerNamePhysicalDnsHostname,
            name.as_mut_ptr(),
            &raw mut length,
        )
    };
    checked(done).ok()?;
    Some(String::from_utf16_lossy(&name[..length as usize]))
}

/// Returns none: Windows does not report the holders of a lock.
pub(in crate::sys) fn lock_table() -> Option<Vec<LockLine>> {
    None
}

/// Runs the work; Windows has no signals. But the work starts threads that wait
/// for locks and outlive their callers. So the DLL with their code stays loaded
/// from now on, even after FreeLibrary (on Linux it is linked to stay).
pub(in crate::sys) fn without_signals<T>(work: impl FnOnce() -> T) -> T {
    static STAY: Once = Once::new();
    STAY.call_once(|| {
        static HERE: u8 = 0;
        let mut module = ptr::null_mut();
        // SAFETY: any address in the module names it; only `module` is written
        // to. If it fails, the module is the program itself or the like.
        unsafe {
            GetModuleHandleExW(
                GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                (&raw const HERE).cast(),
                &raw mut module,
            );
        }
    });
    work()
}

/// Returns `None`: pids are counted once for the whole machine.
pub(in crate::sys) fn pid_namespace() -> Option<String> {
    None
}
