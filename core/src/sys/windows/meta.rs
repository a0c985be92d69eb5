//! Access list and attributes, which a replacement keeps.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::ERROR_INSUFFICIENT_BUFFER;
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GetKernelObjectSecurity, GetSecurityDescriptorControl,
    PROTECTED_DACL_SECURITY_INFORMATION, SE_DACL_PROTECTED, SetKernelObjectSecurity,
    UNPROTECTED_DACL_SECURITY_INFORMATION,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_NOT_CONTENT_INDEXED, FILE_ATTRIBUTE_SYSTEM,
    FILE_BASIC_INFO, FILE_FLAG_BACKUP_SEMANTICS, FILE_READ_ATTRIBUTES, FileBasicInfo, READ_CONTROL,
    SetFileInformationByHandle,
};

use super::Handle;
use super::file::ask;
use super::patience::checked;
use super::patience::{code, patient};

/// The attributes that a replacement takes over from the file it replaces. The
/// owner is not one, since that takes a privilege. The file's other streams are
/// not either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// For systems that have one; here it only says whether the file is
    /// read-only.
    pub mode: u32,
    attributes: u32,
    /// A security descriptor with the access list. It is empty if the file
    /// system keeps none, or if we may not read it.
    access: Vec<u8>,
}

const KEPT: u32 =
    FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED;

pub(in crate::sys) fn read(path: &Path) -> io::Result<Attributes> {
    let open = |access| {
        patient(|| {
            OpenOptions::new()
                .access_mode(access)
                .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
                .open(path)
        })
    };
    let file = open(FILE_READ_ATTRIBUTES | READ_CONTROL).or_else(|_| open(FILE_READ_ATTRIBUTES))?;
    let seen = file.metadata()?;
    Ok(Attributes {
        mode: if seen.permissions().readonly() {
            0o444
        } else {
            0o666
        },
        attributes: seen.file_attributes(),
        access: access_list(&file).unwrap_or_default(),
    })
}

pub(in crate::sys) fn write(handle: &Handle, wanted: &Attributes) -> io::Result<()> {
    let file = &handle.file;
    // A file that was made in the same directory usually has the same list.
    if !wanted.access.is_empty() && access_list(file)? != wanted.access {
        set_access_list(file, &wanted.access)?;
    }
    let mut basic: FILE_BASIC_INFO = ask(file, FileBasicInfo)?;
    if (basic.FileAttributes ^ wanted.attributes) & KEPT != 0 {
        // Times of zero stay as they are.
        basic = FILE_BASIC_INFO {
            FileAttributes: basic.FileAttributes & !KEPT | wanted.attributes & KEPT,
            ..FILE_BASIC_INFO::default()
        };
        let size = u32::try_from(size_of::<FILE_BASIC_INFO>()).expect("a small struct");
        // SAFETY: `basic` is `size` bytes long and only read.
        let done = unsafe {
            SetFileInformationByHandle(
                file.as_raw_handle(),
                FileBasicInfo,
                ptr::from_ref(&basic).cast(),
                size,
            )
        };
        checked(done)?;
    }
    Ok(())
}

/// Returns `true`. A user that can make files in a directory can usually change
/// the others too: access comes from the directory.
pub(in crate::sys) fn may_be_believed(_: &Handle, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// See [`may_be_believed`].
pub(in crate::sys) fn may_be_replaced(_: &Handle, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// See [`may_be_believed`].
pub(in crate::sys) fn is_ours_to_remove(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Does nothing: [`write`] sets them all.
pub(in crate::sys) fn write_attributes(_: &Handle, _: &Attributes) -> io::Result<()> {
    Ok(())
}

/// Access comes from the directory; only the privileged change owners.
pub(in crate::sys) const HAS_RIGHTS: bool = false;

pub(in crate::sys) fn rights(path: &Path) -> io::Result<Attributes> {
    read(path)
}

pub(in crate::sys) fn has_at_most(_: &Handle, _: &Attributes) -> io::Result<bool> {
    Ok(true)
}

pub(in crate::sys) fn narrow(_: &Handle, _: &Path, _: bool) -> io::Result<()> {
    Ok(())
}

pub(in crate::sys) fn set_mode(_: &Handle, _: u32) -> io::Result<()> {
    Ok(())
}

pub(in crate::sys) fn has_mode(_: &Handle, _: u32) -> io::Result<bool> {
    Ok(true)
}

pub(in crate::sys) fn has_rights(_: &Handle, _: &Attributes) -> io::Result<bool> {
    Ok(true)
}

pub(in crate::sys) fn is_refused(_: &io::Error) -> bool {
    false
}

impl Attributes {
    pub fn has_xattrs(&self) -> bool {
        !self.access.is_empty()
    }

    /// Returns the rights for a file next to it, which come from the directory.
    pub fn of_beside(&self) -> Attributes {
        Attributes {
            access: Vec::new(),
            ..self.clone()
        }
    }

    pub fn in_common(self, _: &Attributes) -> Attributes {
        self
    }

    pub fn of_ours(self) -> Attributes {
        self
    }
}

fn access_list(file: &File) -> io::Result<Vec<u8>> {
    let mut descriptor = vec![0; 1024];
    loop {
        let mut needed = 0;
        // SAFETY: `descriptor` has the stated length, and is only written to.
        let done = unsafe {
            GetKernelObjectSecurity(
                file.as_raw_handle(),
                DACL_SECURITY_INFORMATION,
                descriptor.as_mut_ptr().cast(),
                u32::try_from(descriptor.len()).unwrap_or(u32::MAX),
                &raw mut needed,
            )
        };
        match checked(done) {
            Ok(()) => {
                descriptor.truncate(needed as usize);
                return Ok(descriptor);
            }
            Err(error) if code(&error) == ERROR_INSUFFICIENT_BUFFER => {
                descriptor.resize(needed as usize, 0);
            }
            Err(error) => return Err(error),
        }
    }
}

fn set_access_list(file: &File, descriptor: &[u8]) -> io::Result<()> {
    let (mut control, mut revision) = (0, 0);
    let place = descriptor.as_ptr().cast_mut().cast();
    // SAFETY: a descriptor that the system has made; it is only read.
    checked(unsafe { GetSecurityDescriptorControl(place, &raw mut control, &raw mut revision) })?;
    // The list also says whether it still inherits from the directory.
    let inherits = if control & SE_DACL_PROTECTED == 0 {
        UNPROTECTED_DACL_SECURITY_INFORMATION
    } else {
        PROTECTED_DACL_SECURITY_INFORMATION
    };
    // SAFETY: as above.
    checked(unsafe {
        SetKernelObjectSecurity(
            file.as_raw_handle(),
            DACL_SECURITY_INFORMATION | inherits,
            place,
        )
    })
}
