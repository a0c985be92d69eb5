//! For fault tests, which name errors as POSIX does: the corresponding codes of
//! Windows.

#[cfg(feature = "fault")]
use windows_sys::Win32::Foundation::*;

/// Returns the system's code for a POSIX error number (as Microsoft's C library
/// counts them).
#[cfg(feature = "fault")]
pub(in crate::sys) fn code(errno: i32) -> i32 {
    let code = match errno {
        1 | 13 => ERROR_ACCESS_DENIED,        // EPERM, EACCES
        2 => ERROR_FILE_NOT_FOUND,            // ENOENT
        5 => ERROR_IO_DEVICE,                 // EIO
        9 => ERROR_INVALID_HANDLE,            // EBADF
        12 => ERROR_NOT_ENOUGH_MEMORY,        // ENOMEM
        17 => ERROR_ALREADY_EXISTS,           // EEXIST
        22 => ERROR_INVALID_PARAMETER,        // EINVAL
        23 | 24 => ERROR_TOO_MANY_OPEN_FILES, // ENFILE, EMFILE
        27 => ERROR_FILE_TOO_LARGE,           // EFBIG
        28 => ERROR_DISK_FULL,                // ENOSPC
        30 => ERROR_WRITE_PROTECT,            // EROFS
        39 | 40 | 130 => ERROR_NOT_SUPPORTED, // ENOLCK, ENOSYS, EOPNOTSUPP
        other => return other,
    };
    code.cast_signed()
}
