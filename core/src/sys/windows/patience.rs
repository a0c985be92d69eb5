//! Retries after errors that pass. They come from a file that another program
//! has open without sharing it, or from a name whose file is being deleted.
//! Windows offers nothing to wait on. So the call is tried again, at growing
//! intervals, for a second.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_DELETE_PENDING, ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION,
    ERROR_USER_MAPPED_FILE, STATUS_DELETE_PENDING,
};

const FIRST: Duration = Duration::from_millis(1);
const LAST: Duration = Duration::from_millis(512);

/// Tries until the call works, or fails for a lasting reason, or a second is
/// over.
pub(super) fn patient<T>(call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    patient_while(call, passes)
}

/// Does what [`patient`] does, with the caller's own choice of the errors that
/// pass.
pub(super) fn patient_while<T>(
    mut call: impl FnMut() -> io::Result<T>,
    passes: impl Fn(&io::Error) -> bool,
) -> io::Result<T> {
    let mut nap = FIRST;
    loop {
        let result = call();
        match &result {
            Err(error) if nap <= LAST && passes(error) => {}
            _ => return result,
        }
        sleep(nap);
        nap *= 2;
    }
}

/// Returns whether the error passes. It must be asked at once after the failed
/// call, on its thread.
pub(super) fn passes(error: &io::Error) -> bool {
    match code(error) {
        ERROR_SHARING_VIOLATION
        | ERROR_LOCK_VIOLATION
        | ERROR_DELETE_PENDING
        | ERROR_USER_MAPPED_FILE => true,
        // Win32 says "access denied" for both. The kernel's own status
        // distinguishes a file that is being deleted from a real denial.
        ERROR_ACCESS_DENIED => last_status() == STATUS_DELETE_PENDING,
        _ => false,
    }
}

pub(super) fn code(error: &io::Error) -> u32 {
    error.raw_os_error().map_or(0, i32::cast_unsigned)
}

fn last_status() -> i32 {
    #[link(name = "ntdll")]
    unsafe extern "system" {
        /// Missing in `windows-sys`, since missing in the SDK; exported since
        /// Windows XP.
        safe fn RtlGetLastNtStatus() -> i32;
    }
    RtlGetLastNtStatus()
}

/// Converts the system's own `BOOL`.
pub(super) fn checked(done: i32) -> io::Result<()> {
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io;

    use super::patient;

    fn tries(code: i32) -> u32 {
        let tries = Cell::new(0);
        let result = patient(|| -> io::Result<()> {
            tries.set(tries.get() + 1);
            Err(io::Error::from_raw_os_error(code))
        });
        assert_eq!(result.unwrap_err().raw_os_error(), Some(code));
        tries.get()
    }

    #[test]
    fn what_passes_is_tried_again_and_not_for_ever() {
        // Not shared, locked, being deleted, mapped.
        for code in [32, 33, 303, 1224] {
            assert_eq!(tries(code), 11, "{code}");
        }
        // Not found, disk full; and a real denial.
        assert!(std::fs::File::open("no such file").is_err());
        for code in [2, 112, 5] {
            assert_eq!(tries(code), 1, "{code}");
        }
    }

    #[test]
    fn what_passed_is_forgotten() {
        let mut refusals = 3;
        let result = patient(|| {
            if refusals == 0 {
                return Ok(7);
            }
            refusals -= 1;
            Err(io::Error::from_raw_os_error(32))
        });
        assert_eq!(result.unwrap(), 7);
    }
}
