//! Calls on names.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf, Prefix};

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_CANT_RESOLVE_FILENAME, ERROR_NOT_A_REPARSE_POINT,
    ERROR_SHARING_VIOLATION,
};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES,
    FILE_STANDARD_INFO, FILE_TYPE_DISK, FileStandardInfo, GetFileType,
};

use super::file::{ask, id_of};
use super::patience::{code, passes, patient, patient_while};
use crate::sys::Stat;
use crate::sys::path::Real;

/// Opens it for asking only, which no share mode of others forbids.
fn look_at(path: &Path) -> io::Result<File> {
    open_to_ask(path, FILE_FLAG_BACKUP_SEMANTICS)
}

/// Opens the name itself, even if it is a symbolic link's.
pub(super) fn look_at_name(path: &Path) -> io::Result<File> {
    open_to_ask(
        path,
        FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT,
    )
}

fn open_to_ask(path: &Path, flags: u32) -> io::Result<File> {
    patient(|| {
        OpenOptions::new()
            .access_mode(FILE_READ_ATTRIBUTES)
            .custom_flags(flags)
            .open(path)
    })
}

pub(in crate::sys) fn stat(path: &Path) -> io::Result<Stat> {
    seen(&look_at(path)?)
}

pub(in crate::sys) fn look(path: &Path) -> io::Result<Stat> {
    seen(&look_at_name(path)?)
}

pub(super) fn seen(file: &File) -> io::Result<Stat> {
    use std::os::windows::io::AsRawHandle;

    let seen: FILE_STANDARD_INFO = ask(file, FileStandardInfo)?;
    // SAFETY: asks only.
    let on_disk = unsafe { GetFileType(file.as_raw_handle()) } == FILE_TYPE_DISK;
    Ok(Stat {
        id: id_of(file)?,
        size: seen.EndOfFile.cast_unsigned(),
        is_file: on_disk && !seen.Directory,
        is_dir: on_disk && seen.Directory,
        is_link: super::file::is_link(file)?,
        mode: 0,
        links: u64::from(seen.NumberOfLinks),
        is_mount_root: false,
    })
}

/// Renames with POSIX semantics (std asks for them since 1.85). This works even
/// if the target is open, unless its openers forbid its deletion. A directory is
/// not renamed while a file in it is open, which may pass.
pub(in crate::sys) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    patient_while(
        || fs::rename(from, to),
        |error| {
            passes(error)
                || code(error) == ERROR_ACCESS_DENIED
                    && (is_in_use(to) || from.is_dir() && !to.exists())
        },
    )
}

/// Returns whether the denial of a rename means that the target is in use. A
/// rename onto a file that is open without delete sharing also fails with
/// "access denied".
fn is_in_use(path: &Path) -> bool {
    let opened = OpenOptions::new()
        .access_mode(DELETE)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path);
    matches!(opened, Err(error) if code(&error) == ERROR_SHARING_VIOLATION || passes(&error))
}

pub(in crate::sys) fn link(from: &Path, to: &Path) -> io::Result<()> {
    patient(|| fs::hard_link(from, to))
}

pub(in crate::sys) fn unlink(path: &Path) -> io::Result<()> {
    patient(|| fs::remove_file(path))
}

pub(in crate::sys) fn make_dir(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Removes a directory with its content. std does it by handles, which follow
/// no link.
pub(in crate::sys) fn remove_tree(path: &Path) -> io::Result<()> {
    if is_real_dir(path)? {
        patient(|| fs::remove_dir_all(path))
    } else {
        unlink(path)
    }
}

pub(in crate::sys) fn unlink_in(dir: &Path, wanted: &dyn Fn(&OsStr) -> bool) -> io::Result<()> {
    if !is_real_dir(dir)? {
        return Ok(());
    }
    for name in list(dir)? {
        let path = dir.join(&name);
        if wanted(&name) && !is_real_dir(&path)? {
            unlink(&path)?;
        }
    }
    Ok(())
}

/// Returns whether the name itself is a directory's, not a symbolic link's to
/// one.
pub(in crate::sys) fn is_real_dir(path: &Path) -> io::Result<bool> {
    Ok(patient(|| fs::symlink_metadata(path))?.is_dir())
}

/// Syncs a name, by a flush of its file. Windows documents no way to sync a
/// directory. It documents that a flush writes the file's metadata, and the
/// name is a part of that. So the file is flushed under its new name. Nothing
/// is promised for a name that was removed.
pub(in crate::sys) fn sync_name(path: &Path, _dir: &Path) -> io::Result<()> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file.sync_all(),
        // Gone, a directory, read-only or another program's.
        Err(_) => Ok(()),
    }
}

pub(in crate::sys) fn list(dir: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(dir)?
        .map(|entry| Ok(entry?.file_name()))
        .collect()
}

/// Lists the names and kinds. The system reports the kinds with the names.
pub(in crate::sys) fn list_kinds(dir: &Path) -> io::Result<Vec<(OsString, Option<bool>)>> {
    fs::read_dir(dir)?
        .map(|entry| {
            let entry = entry?;
            let kind = entry.file_type()?;
            Ok((
                entry.file_name(),
                (!kind.is_symlink()).then(|| kind.is_dir()),
            ))
        })
        .collect()
}

/// Resolves the path. It drops the `\\?\` of the system's answer if the path
/// means the same without it. People read the path, and other programs receive
/// it.
pub(in crate::sys) fn canonical(path: &Path) -> io::Result<PathBuf> {
    let path = patient(|| fs::canonicalize(path))?;
    Ok(dunce::simplified(&path).to_owned())
}

/// Returns `None`: names in another case, and short ones, mean the same file
/// here.
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
pub(in crate::sys) fn already_real(_: &Path, _: bool) -> io::Result<Option<Real>> {
    Ok(None)
}

/// Returns the path as the system understands it. It starts at the root,
/// without the dots and spaces that the system drops at the end of a name.
/// Names that can't be a file's are refused. Through `\\?\` they could be made,
/// but hardly be used by others.
pub(in crate::sys) fn understood(path: &Path) -> io::Result<PathBuf> {
    let refuse = |what: String| Err(io::Error::new(io::ErrorKind::InvalidFilename, what));
    if is_verbatim(path) {
        // A caller that writes this prefix means it.
        return Ok(path.to_owned());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if is_reserved(&name) {
        return refuse(format!(
            "{name:?} is the name of a device on Windows, with any extension"
        ));
    }
    if name.contains(':') {
        return refuse(format!(
            "{name:?} names a stream of a file, not a file of its own"
        ));
    }
    std::path::absolute(path)
}

fn is_verbatim(path: &Path) -> bool {
    match path.components().next() {
        Some(std::path::Component::Prefix(prefix)) => {
            prefix.kind().is_verbatim() || matches!(prefix.kind(), Prefix::DeviceNS(_))
        }
        _ => false,
    }
}

/// Returns whether the name is reserved. The answer is the same on every
/// version, though Windows 11 reserves fewer: files travel.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end_matches(' ').to_ascii_uppercase();
    if matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) {
        return true;
    }
    let port = stem.strip_prefix("COM").or(stem.strip_prefix("LPT"));
    port.is_some_and(|port| {
        matches!(
            port,
            "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
        )
    })
}

/// Returns the target of the symbolic link; `None` if it is not a link, or
/// missing.
pub(in crate::sys) fn read_link(path: &Path) -> io::Result<Option<PathBuf>> {
    match fs::read_link(path) {
        Ok(target) => Ok(Some(target)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if code(&error) == ERROR_NOT_A_REPARSE_POINT => Ok(None),
        Err(error) => Err(error),
    }
}

pub(in crate::sys) fn too_many_links() -> io::Error {
    io::Error::from_raw_os_error(ERROR_CANT_RESOLVE_FILENAME.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::{is_reserved, understood};
    use std::path::Path;

    #[test]
    fn names_of_devices_are_refused() {
        for name in [
            "nul", "NUL", "con.txt", "Aux.json", "com1", "LPT9.a.b", "prn ", "COM²",
        ] {
            assert!(is_reserved(name), "{name}");
            assert!(understood(Path::new(name)).is_err(), "{name}");
        }
        for name in ["null", "console", "com", "com10", "com0", "a.nul", ".con"] {
            assert!(!is_reserved(name), "{name}");
            assert!(understood(Path::new(name)).is_ok(), "{name}");
        }
        assert!(understood(Path::new("a.json:stream")).is_err());
        assert!(understood(Path::new(r"\\?\C:\nul")).is_ok());
    }
}
