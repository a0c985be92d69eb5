//! Opens files, and makes them.

use std::io;
use std::path::Path;

use super::{Access, File, InTheWay, Role};
use crate::sys::fork::LockDescriptors;
use crate::sys::path::{self, Attributes};
use crate::sys::seam::{Op, announce, device, taken};
use crate::sys::{Known, Stat, sys};

impl File {
    /// Opens the file that a resolved path names.
    pub fn open(path: &Path, access: Access) -> io::Result<File> {
        File::open_as(path, access, Role::Data)
    }

    /// Opens a file of this library that is next to a user's. Whether it can be
    /// trusted is another question: see [`File::may_be_believed`].
    pub fn open_beside(path: &Path, access: Access) -> io::Result<File> {
        File::open_as(path, access, Role::Beside)
    }

    /// Opens the file to read its content about `of`. Returns `None` if it is
    /// missing, can't be read, or can't be trusted.
    pub fn open_believed(path: &Path, of: &Path) -> io::Result<Option<File>> {
        File::open_believed_to(path, Access::Read, of)
    }

    /// Does the same for another access than reading.
    pub fn open_believed_to(path: &Path, access: Access, of: &Path) -> io::Result<Option<File>> {
        let file = match File::open_beside(path, access) {
            Err(error)
                if InTheWay::of(&error).is_some()
                    || matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                    ) =>
            {
                return Ok(None);
            }
            result => result?,
        };
        Ok(file.may_be_believed(of)?.then_some(file))
    }

    fn open_as(path: &Path, access: Access, role: Role) -> io::Result<File> {
        announce(Op::Open, Some(path))?;
        let (handle, known) = sys::file::open(path, access, role)?;
        Ok(File::new(handle, known.map(|known| known.id), path))
    }

    /// Does what [`File::open`] and then [`File::identify`] do. Where the system can, one
    /// look serves both.
    pub fn open_identified(path: &Path, access: Access) -> io::Result<(File, Stat, Option<u64>)> {
        announce(Op::Open, Some(path))?;
        let (handle, stat, birth) = sys::file::open_identified(path, access, Role::Data)?;
        let own = sys::file::NUMBERS_COME_AGAIN.then_some(stat.id);
        let file = File::new(handle, own, path);
        announce(Op::Stat, file.name())?;
        Ok((file, taken(stat), birth))
    }

    /// Makes the file. Fails with `AlreadyExists` if it exists. Without `mode`
    /// the file gets 0666 less the umask; a given mode is set exactly.
    pub fn create_new(path: &Path, access: Access, mode: Option<u32>) -> io::Result<File> {
        File::create_as(path, access, mode, Role::Data)
    }

    /// Does the same for a file of this library next to a user's.
    pub fn create_beside(path: &Path, access: Access, mode: Option<u32>) -> io::Result<File> {
        File::create_as(path, access, mode, Role::Beside)
    }

    fn create_as(path: &Path, access: Access, mode: Option<u32>, role: Role) -> io::Result<File> {
        How::new(access, role).create(path, mode)
    }

    /// Makes the file with the rights of another, and its attributes: a new one
    /// for the same name.
    pub fn create_like(path: &Path, access: Access, like: &Attributes) -> io::Result<File> {
        How::new(access, Role::Data).create_like(path, like)
    }

    /// Makes the file with the rights of another, for a file of this library
    /// that is next to that one.
    pub fn create_beside_like(path: &Path, access: Access, like: &Attributes) -> io::Result<File> {
        How::new(access, Role::Beside).create_like(path, &like.of_beside())
    }

    /// Makes the file whole before it gets its name. No process finds it before
    /// `whole` is done, and a death of this process leaves none. Fails if the
    /// system can't do that, and with `AlreadyExists` if it exists.
    pub fn create_unnamed(
        path: &Path,
        whole: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<File> {
        announce(Op::Create, Some(path))?;
        let handle = sys::file::create_unnamed(path::parent(path))?;
        let file = File::new(handle, None, path);
        whole(&file)?;
        announce(Op::Link, Some(path))?;
        sys::file::give_name(&file.handle, path)?;
        Ok(file)
    }

    /// Opens a file for [`super::Descriptor`]. No fork comes between the
    /// opening and the list of descriptors that a child closes. Also returns
    /// what the opening revealed.
    pub(in crate::sys) fn open_listed(
        path: &Path,
        access: Access,
        role: Role,
    ) -> io::Result<(File, Option<Known>)> {
        announce(Op::Open, Some(path))?;
        let mut os_error = None;
        let (handle, id) = LockDescriptors::open(|| {
            let (handle, known) = sys::file::open(path, access, role)?;
            os_error = known;
            Ok((handle, known.map(|known| known.id)))
        })?;
        if let Some(known) = &mut os_error {
            known.id.device = device(known.id.device);
        }
        Ok((File::new(handle, id, path), os_error))
    }

    /// Does the same for a new file.
    pub(in crate::sys) fn create_listed(
        path: &Path,
        access: Access,
        mode: Option<u32>,
        role: Role,
    ) -> io::Result<File> {
        How::new(access, role).listed().create(path, mode)
    }

    /// Does the same with the rights of another.
    pub(in crate::sys) fn create_listed_like(
        path: &Path,
        access: Access,
        like: &Attributes,
        role: Role,
    ) -> io::Result<File> {
        How::new(access, role).listed().create_like(path, like)
    }

    /// Does the same with no more than this mode, less the umask.
    pub(in crate::sys) fn create_private(
        path: &Path,
        access: Access,
        mode: u32,
    ) -> io::Result<File> {
        announce(Op::Create, Some(path))?;
        let create = || Ok((sys::file::create_private(path, access, mode)?, None));
        let (handle, id) = LockDescriptors::open(create)?;
        Ok(File::new(handle, id, path))
    }
}

/// The way in which a file is made.
#[derive(Clone, Copy)]
struct How {
    access: Access,
    role: Role,
    /// Whether a forked child must not have it.
    listed: bool,
}

impl How {
    fn new(access: Access, role: Role) -> How {
        let listed = false;
        How {
            access,
            role,
            listed,
        }
    }

    fn listed(self) -> How {
        How {
            listed: true,
            ..self
        }
    }

    fn create(self, path: &Path, mode: Option<u32>) -> io::Result<File> {
        let Some(mode) = mode else {
            return self.create_bare(path, None);
        };
        self.create_and(path, mode, |file, set| {
            if set {
                return file.set_mode(mode).map(|()| true);
            }
            announce(Op::Stat, file.name())?;
            sys::meta::has_mode(&file.handle, mode)
        })
    }

    fn create_like(self, path: &Path, like: &Attributes) -> io::Result<File> {
        self.create_and(path, like.mode, |file, set| {
            if set {
                announce(Op::SetAttributes, file.name())?;
                // It leaves out the attributes that we may not give.
                sys::meta::write(&file.handle, like)?;
                return Ok(true);
            }
            announce(Op::Stat, file.name())?;
            sys::meta::write_attributes(&file.handle, like)?;
            sys::meta::has_rights(&file.handle, like)
        })
    }

    /// Makes the file, and sets its rights. It starts narrow: until the rights
    /// are set, no other user may read a secret. If the system forbids to set
    /// rights, the file has them from the beginning or is not made. A failure
    /// leaves no file.
    fn create_and(
        self,
        path: &Path,
        mode: u32,
        rights: impl Fn(&File, bool) -> io::Result<bool>,
    ) -> io::Result<File> {
        let file = self.create_bare(path, Some(mode & 0o600))?;
        let error = match rights(&file, true) {
            Ok(_) => return Ok(file),
            Err(error) => error,
        };
        self.take_back(file, path);
        if sys::meta::is_refused(&error) {
            let file = self.create_bare(path, Some(mode & 0o777))?;
            if matches!(rights(&file, false), Ok(true)) {
                return Ok(file);
            }
            self.take_back(file, path);
        }
        Err(error)
    }

    fn create_bare(self, path: &Path, mode: Option<u32>) -> io::Result<File> {
        announce(Op::Create, Some(path))?;
        let create = || {
            Ok((
                sys::file::create_new(path, self.access, mode, self.role)?,
                None,
            ))
        };
        let (handle, id) = if self.listed {
            LockDescriptors::open(create)?
        } else {
            create()?
        };
        Ok(File::new(handle, id, path))
    }

    fn take_back(self, file: File, path: &Path) {
        if self.listed {
            file.close_listed(true);
        } else {
            drop(file);
        }
        let _ = path::unlink(path);
    }
}
