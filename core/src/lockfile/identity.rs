//! Identifies a file for longer than an inode number does.

use std::io;
use std::path::Path;

use super::block::{BLOCK, u64_at};
use crate::sys::{self, Access, File, FileId, InTheWay, Stat};

/// Identifies a file for longer than an inode number does, since these repeat.
///
/// If the birth time is known, the device does not count. Its number changes when a
/// container starts again, a btrfs is mounted, or a disk is found in another order.
/// After that, a pending change must still be recognised. A file and its lock file lie
/// in one directory, where inode and birth time distinguish files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    /// The numbers that the system has now. In a record the device is 0 if the birth
    /// time is known.
    pub id: FileId,
    /// The birth time in microseconds since 1970, if the system keeps it.
    pub birth: Option<u64>,
}

impl PartialEq for Identity {
    fn eq(&self, other: &Identity) -> bool {
        let same_device = self.id.device == other.id.device;
        self.id.inode == other.id.inode
            && self.birth == other.birth
            && (self.birth.is_some() || same_device)
    }
}

impl Eq for Identity {}

impl Identity {
    /// The identity of no file.
    pub const NOBODY: Identity = Identity {
        id: FileId {
            device: 0,
            inode: 0,
        },
        birth: None,
    };

    pub fn of(file: &File) -> io::Result<Identity> {
        Identity::and_stat(file).map(|(identity, _)| identity)
    }

    /// Returns the identity, and what else the same look shows.
    pub fn and_stat(file: &File) -> io::Result<(Identity, Stat)> {
        let (stat, birth) = file.identify()?;
        let id = stat.id;
        Ok((Identity { id, birth }, stat))
    }

    /// Returns the identity of the regular file with this name; `None` if it is
    /// missing. If the file can't be read, its birth time is unknown.
    pub fn of_name(path: &Path) -> io::Result<Option<Identity>> {
        match File::open(path, Access::Read) {
            Ok(file) => Identity::of(&file).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // Not a regular file.
            Err(error) if InTheWay::of(&error).is_some() => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(sys::stat(path)?
                .map(|seen| Identity {
                    id: seen.id,
                    birth: None,
                })),
            Err(error) => Err(error),
        }
    }

    /// Returns whether the name still means this file.
    pub fn has_name(self, path: &Path) -> io::Result<bool> {
        if self.birth.is_none() {
            return Ok(sys::stat(path)?.is_some_and(|seen| seen.id == self.id));
        }
        match File::open(path, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) if InTheWay::of(&error).is_some() => Ok(false),
            file => Ok(Identity::of(&file?)? == self),
        }
    }

    /// Returns the device number for a record.
    pub fn device_to_record(&self) -> u64 {
        match self.birth {
            Some(_) => 0,
            None => self.id.device,
        }
    }

    pub(crate) fn put(self, into: &mut [u8]) {
        into[..8].copy_from_slice(&self.device_to_record().to_le_bytes());
        into[8..16].copy_from_slice(&self.id.inode.to_le_bytes());
        into[16..24].copy_from_slice(&self.birth.unwrap_or(0).to_le_bytes());
    }

    pub(crate) fn at(block: &[u8; BLOCK], at: usize) -> Identity {
        let birth = u64_at(block, at + 16);
        Identity {
            id: FileId {
                device: u64_at(block, at),
                inode: u64_at(block, at + 8),
            },
            birth: (birth != 0).then_some(birth),
        }
    }
}
