//! Calls on open files.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek};
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_HANDLE_EOF};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_REPARSE_POINT, FILE_ATTRIBUTE_TAG_INFO,
    FILE_BASIC_INFO, FILE_FLAG_OPEN_REPARSE_POINT, FILE_ID_INFO, FILE_INFO_BY_HANDLE_CLASS,
    FILE_STANDARD_INFO, FILE_TYPE_DISK, FileAttributeTagInfo, FileBasicInfo, FileIdInfo,
    FileStandardInfo, GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType,
    WriteFile,
};
use windows_sys::Win32::System::IO::OVERLAPPED;

use super::patience::{checked, code, patient};
use super::{Handle, lock};
use crate::sys::{Access, FileId, InTheWay, Known, Role, Stat};

/// No program closes handles that it does not know of.
pub(in crate::sys) const NUMBERS_COME_AGAIN: bool = false;

fn options(access: Access, role: Role) -> OpenOptions {
    let mut options = OpenOptions::new();
    // Programs that are started do not inherit std's handles. These share
    // reading, writing and deleting.
    options.read(true);
    // Not std's `append`: it asks for FILE_APPEND_DATA alone, and with that a
    // file can neither be locked nor cut. See `write`.
    options.write(access != Access::Read);
    // Not for data. Content that a filter keeps elsewhere (a cloud store,
    // deduplication) is also after a reparse point, and could not be read.
    if role == Role::Beside {
        options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    }
    options
}

fn finish(file: File, path: &Path, role: Role) -> io::Result<Handle> {
    let link = match role {
        Role::Beside => is_link(&file)?,
        // The name itself must mean the file that was opened.
        Role::Data => {
            let name = super::path::look_at_name(path)?;
            is_link(&name)? || id_of(&name)? != id_of(&file)?
        }
    };
    if link {
        return Err(InTheWay::Link.into_error());
    }
    // SAFETY: asks only.
    if unsafe { GetFileType(file.as_raw_handle()) } != FILE_TYPE_DISK {
        return Err(InTheWay::NoRegularFile.into_error());
    }
    Ok(Handle {
        file,
        lock: lock::Place::first_byte(),
        is_lock_file: role == Role::Beside,
        id: OnceLock::new(),
    })
}

/// Returns whether it is a symbolic link or a junction. A reparse point that
/// stands for the file itself is neither (a cloud store's placeholder,
/// deduplicated data).
pub(super) fn is_link(file: &File) -> io::Result<bool> {
    /// The bit of `IsReparseTagNameSurrogate`.
    const NAME_SURROGATE: u32 = 0x2000_0000;
    let seen: FILE_ATTRIBUTE_TAG_INFO = ask(file, FileAttributeTagInfo)?;
    Ok(seen.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT != 0
        && seen.ReparseTag & NAME_SURROGATE != 0)
}

/// Opens a file. Nothing more is known of it then.
pub(in crate::sys) fn open(
    path: &Path,
    access: Access,
    role: Role,
) -> io::Result<(Handle, Option<Known>)> {
    let options = options(access, role);
    let file = patient(|| options.open(path)).map_err(|error| {
        // Windows answers so for a directory as well.
        if code(&error) == ERROR_ACCESS_DENIED && path.is_dir() {
            return InTheWay::NoRegularFile.into_error();
        }
        error
    })?;
    finish(file, path, role).map(|file| (file, None))
}

/// Returns one more handle of the same opening, which does not lock.
pub(in crate::sys) fn again(handle: &Handle) -> io::Result<Handle> {
    Ok(Handle {
        file: handle.file.try_clone()?,
        lock: lock::Place::first_byte(),
        is_lock_file: handle.is_lock_file,
        id: handle.id.clone(),
    })
}

pub(in crate::sys) fn role(handle: &Handle) -> Role {
    if handle.is_lock_file {
        Role::Beside
    } else {
        Role::Data
    }
}

/// Creates a file. The mode is for systems that have one: here a new file gets
/// its directory's access list.
pub(in crate::sys) fn create_new(
    path: &Path,
    access: Access,
    _mode: Option<u32>,
    role: Role,
) -> io::Result<Handle> {
    let mut options = options(access, role);
    options.create_new(true);
    finish(patient(|| options.open(path))?, path, role)
}

pub(in crate::sys) fn create_unnamed(_: &Path) -> io::Result<Handle> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(in crate::sys) fn give_name(_: &Handle, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Creates a private file. Another program's lock stops readers here (error
/// 33), usually for a moment. Windows has no modes.
pub(in crate::sys) fn create_private(path: &Path, access: Access, _: u32) -> io::Result<Handle> {
    create_new(path, access, None, Role::Beside)
}

/// Waits for programs that lock the data for a moment. No lock on a file beside it is
/// waited for.
fn unless_beside<T>(handle: &Handle, mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    if handle.is_lock_file {
        call()
    } else {
        patient(call)
    }
}

pub(in crate::sys) fn read_at(
    handle: &Handle,
    buffer: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    match unless_beside(handle, || handle.file.seek_read(buffer, offset)) {
        Err(error) if code(&error) == ERROR_HANDLE_EOF => Ok(0),
        result => result,
    }
}

/// Returns the offset: holes are read like all other bytes.
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
pub(in crate::sys) fn next_data(_: &Handle, offset: u64) -> io::Result<u64> {
    Ok(offset)
}

/// Writes at the current end. WriteFile documents this offset as the same as a
/// handle opened for appending only.
pub(in crate::sys) fn write(handle: &Handle, bytes: &[u8]) -> io::Result<usize> {
    let length = u32::try_from(bytes.len()).unwrap_or(1 << 30);
    patient(|| {
        let mut at = OVERLAPPED::default();
        at.Anonymous.Anonymous.Offset = u32::MAX;
        at.Anonymous.Anonymous.OffsetHigh = u32::MAX;
        let mut written = 0;
        // SAFETY: `bytes` is at least `length` long; the handle is synchronous,
        // so nothing here is used once the call has returned.
        let done = unsafe {
            WriteFile(
                handle.file.as_raw_handle(),
                bytes.as_ptr(),
                length,
                &raw mut written,
                &raw mut at,
            )
        };
        checked(done)?;
        Ok(written as usize)
    })
}

pub(in crate::sys) fn write_at(handle: &Handle, bytes: &[u8], offset: u64) -> io::Result<usize> {
    unless_beside(handle, || handle.file.seek_write(bytes, offset))
}

/// Fails: on Windows no program takes the place of a process.
pub(in crate::sys) fn keep_in_programs(_: &Handle) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Each write itself says where it goes.
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
pub(in crate::sys) fn set_append(_: &Handle, _: bool) -> io::Result<()> {
    Ok(())
}

pub(in crate::sys) fn set_len(handle: &Handle, len: u64) -> io::Result<()> {
    patient(|| handle.file.set_len(len))
}

/// Syncs by FlushFileBuffers in both cases: contents, metadata and the drive's
/// own cache.
pub(in crate::sys) fn sync_data(handle: &Handle) -> io::Result<()> {
    handle.file.sync_data()
}

pub(in crate::sys) fn sync_all(handle: &Handle) -> io::Result<()> {
    handle.file.sync_all()
}

pub(in crate::sys) fn offset(handle: &Handle) -> io::Result<u64> {
    (&handle.file).stream_position()
}

pub(in crate::sys) fn id(handle: &Handle) -> io::Result<FileId> {
    if let Some(id) = handle.id.get() {
        return Ok(*id);
    }
    let id = id_of(&handle.file)?;
    Ok(*handle.id.get_or_init(|| id))
}

pub(super) fn id_of(file: &File) -> io::Result<FileId> {
    if let Ok(seen) = ask::<FILE_ID_INFO>(file, FileIdInfo) {
        let id = u128::from_le_bytes(seen.FileId.Identifier);
        return Ok(FileId {
            device: seen.VolumeSerialNumber,
            // NTFS uses 64 of the bits. ReFS uses all, and these two halves are
            // small numbers that must not cancel each other out.
            inode: u64::try_from(id)
                .unwrap_or_else(|_| xxhash_rust::xxh3::xxh3_64(&id.to_le_bytes())),
        });
    }
    // FAT, and servers that support only this call.
    let mut seen = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: writes to `seen` and nothing else.
    checked(unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut seen) })?;
    Ok(FileId {
        device: u64::from(seen.dwVolumeSerialNumber),
        inode: u64::from(seen.nFileIndexHigh) << 32 | u64::from(seen.nFileIndexLow),
    })
}

pub(in crate::sys) fn size(handle: &Handle) -> io::Result<u64> {
    links_and_size(handle).map(|(_, size)| size)
}

/// Returns none: names are looked at each time.
pub(in crate::sys) fn tick() -> Option<u64> {
    None
}

pub(in crate::sys) fn look(handle: &Handle) -> io::Result<Stat> {
    super::path::seen(&handle.file)
}

pub(in crate::sys) fn links_and_size(handle: &Handle) -> io::Result<(u64, u64)> {
    let seen: FILE_STANDARD_INFO = ask(&handle.file, FileStandardInfo)?;
    // A file that is being deleted still has its name, and will not keep it.
    let links = if seen.DeletePending {
        0
    } else {
        seen.NumberOfLinks
    };
    Ok((u64::from(links), seen.EndOfFile.cast_unsigned()))
}

/// Opens a file, and returns what `identify` does.
pub(in crate::sys) fn open_identified(
    path: &Path,
    access: Access,
    role: Role,
) -> io::Result<(Handle, Stat, Option<u64>)> {
    let (handle, _) = open(path, access, role)?;
    let (stat, birth) = identify(&handle)?;
    Ok((handle, stat, birth))
}

/// Returns what the system says of the file, and its birth time. NTFS gives a file that is made again within 15
/// seconds the creation time of its predecessor ("tunneling"). So the last
/// twelve bits are those of its number. NTFS counts the upper part of that up
/// whenever it uses a number again.
pub(in crate::sys) fn identify(handle: &Handle) -> io::Result<(Stat, Option<u64>)> {
    /// From 1601 to 1970, in microseconds.
    const EPOCH: u64 = 11_644_473_600_000_000;
    const TICK: u64 = 0xfff;
    let seen: FILE_BASIC_INFO = ask(&handle.file, FileBasicInfo)?;
    let stat = look(handle)?;
    let number = stat.id.inode;
    let version = number >> 48 ^ number;
    // Zero: the file system keeps none.
    let born = u64::try_from(seen.CreationTime)
        .ok()
        .map(|ticks| ticks / 10);
    let birth = born
        .and_then(|born| born.checked_sub(EPOCH))
        .map(|born| born & !TICK | version & TICK);
    Ok((stat, birth))
}

/// Asks for one class of a file's metadata. `T` must be the structure of that
/// class.
pub(super) fn ask<T: Default>(file: &File, class: FILE_INFO_BY_HANDLE_CLASS) -> io::Result<T> {
    let mut seen = T::default();
    let size = u32::try_from(size_of::<T>()).expect("a small struct");
    // SAFETY: `seen` is `size` bytes long, plain data, and only written to.
    let done = unsafe {
        GetFileInformationByHandleEx(
            file.as_raw_handle(),
            class,
            ptr::from_mut(&mut seen).cast(),
            size,
        )
    };
    checked(done)?;
    Ok(seen)
}

pub(in crate::sys) fn modified(handle: &Handle) -> io::Result<u64> {
    let since = handle
        .file
        .metadata()?
        .modified()?
        .duration_since(std::time::UNIX_EPOCH);
    Ok(since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }))
}

pub(in crate::sys) fn touch(handle: &Handle) -> io::Result<()> {
    handle.file.set_modified(std::time::SystemTime::now())
}
