//! The file system that a file is on.

use std::os::windows::io::AsRawHandle;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::GetVolumeInformationByHandleW;

/// No file system here copies a file that is opened.
pub(in crate::sys) fn may_copy(_: &Path) -> bool {
    false
}

/// Returns its name: `NTFS`, `ReFS`, `FAT32`.
pub(in crate::sys) fn file_system(path: &Path) -> Option<String> {
    let file = std::fs::File::open(path).ok()?;
    let mut name = [0_u16; 64];
    // SAFETY: `name` has the stated length; the other answers are not asked
    // for.
    let done = unsafe {
        GetVolumeInformationByHandleW(
            file.as_raw_handle(),
            std::ptr::null_mut(),
            0,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            name.as_mut_ptr(),
            name.len() as u32,
        )
    };
    let end = name.iter().position(|unit| *unit == 0)?;
    (done != 0).then(|| String::from_utf16_lossy(&name[..end]))
}
