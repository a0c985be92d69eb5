//! An open file that a forked child must not have: a lock file, or one that is
//! locked while it is written.

use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::path::Path;

use super::file::{Access, File, Role};
use super::fork::generation;
use super::path::Attributes;
use super::{FileId, Known};

/// An open file that a forked child closes before it does anything.
#[derive(Debug)]
pub(crate) struct Descriptor {
    file: ManuallyDrop<File>,
    known: Option<Known>,
    born: u32,
}

impl Descriptor {
    /// Does what [`File::open`] does.
    pub fn open(path: &Path, access: Access) -> io::Result<Descriptor> {
        File::open_listed(path, access, Role::Data).map(Descriptor::known)
    }

    /// Does what [`File::open_beside`] does.
    pub fn open_beside(path: &Path, access: Access) -> io::Result<Descriptor> {
        File::open_listed(path, access, Role::Beside).map(Descriptor::known)
    }

    /// Does what [`File::create_new`] does.
    pub fn create_new(path: &Path, access: Access, mode: Option<u32>) -> io::Result<Descriptor> {
        File::create_listed(path, access, mode, Role::Data).map(Descriptor::of)
    }

    /// Does what [`File::create_beside`] does.
    pub fn create_beside(path: &Path, access: Access, mode: Option<u32>) -> io::Result<Descriptor> {
        File::create_listed(path, access, mode, Role::Beside).map(Descriptor::of)
    }

    /// Does what [`File::create_like`] does.
    pub fn create_like(path: &Path, access: Access, like: &Attributes) -> io::Result<Descriptor> {
        File::create_listed_like(path, access, like, Role::Data).map(Descriptor::of)
    }

    /// Does what [`File::create_beside_like`] does.
    pub fn create_beside_like(
        path: &Path,
        access: Access,
        like: &Attributes,
    ) -> io::Result<Descriptor> {
        let like = like.of_beside();
        File::create_listed_like(path, access, &like, Role::Beside).map(Descriptor::of)
    }

    /// Creates the file with no more than this mode, less the umask.
    pub fn create_private(path: &Path, access: Access, mode: u32) -> io::Result<Descriptor> {
        File::create_private(path, access, mode).map(Descriptor::of)
    }

    fn of(file: File) -> Descriptor {
        Descriptor::known((file, None))
    }

    fn known((file, known): (File, Option<Known>)) -> Descriptor {
        Descriptor {
            file: ManuallyDrop::new(file),
            known,
            born: generation(),
        }
    }

    /// Returns the file's identity. On most systems the opening has read it
    /// already.
    pub fn id(&self) -> io::Result<FileId> {
        self.known
            .map_or_else(|| self.file.id(), |known| Ok(known.id))
    }

    /// Returns whether the descriptor means the file that it was opened for:
    /// see [`super::Lasting`].
    #[inline]
    pub fn is_itself(&self) -> io::Result<bool> {
        self.file.is_itself()
    }

    /// Returns whether the library itself has not received the number again.
    /// This makes no system call.
    #[inline]
    pub fn has_its_number(&self) -> bool {
        self.file.has_its_number()
    }

    /// Does what [`File::narrow_rights`] does, just after the file was opened.
    pub fn narrow_rights(&self, of: &Path) {
        if self.known.is_none_or(|known| known.others_may_write) {
            self.file.narrow_rights(of);
        }
    }

    /// Opens the same file once more, if `path` still names it. A lock taken
    /// through one does not count for the other.
    pub fn open_again(&self, path: &Path, access: Access) -> io::Result<Option<Descriptor>> {
        let open = |access| File::open_listed(path, access, self.role()).map(Descriptor::known);
        match open(access).or_else(|_| open(Access::Read)) {
            Ok(again) if again.id()? == self.id()? => Ok(Some(again)),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens the same file for writing; `None` if that is not allowed.
    pub fn open_to_write(&self, path: &Path, access: Access) -> Option<Descriptor> {
        let opened = File::open_listed(path, access, self.role()).ok()?;
        let again = Descriptor::known(opened);
        (again.id().ok()? == self.id().ok()?).then_some(again)
    }

    /// Makes the lock of this file one among users of this library only, so
    /// that it stops no reader. On Windows a lock is on bytes, and others can't
    /// read these meanwhile. A lock that other programs know must be on the
    /// first byte. A temporary that becomes a document must be readable from
    /// its first instant. Elsewhere it makes no difference.
    pub fn lock_aside(mut self) -> Descriptor {
        self.file.set_aside();
        self
    }

    /// Returns whether it belongs to this process, not to the one it was forked
    /// from.
    #[inline]
    pub fn is_ours(&self) -> bool {
        self.born == generation()
    }
}

impl Deref for Descriptor {
    type Target = File;

    #[inline]
    fn deref(&self) -> &File {
        &self.file
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // In a forked child it is closed already, and its number may mean
        // another file.
        if self.is_ours() {
            let ours = self.file.is_to_close();
            // SAFETY: taken here and nowhere else.
            let file = unsafe { ManuallyDrop::take(&mut self.file) };
            file.close_listed(ours);
        }
    }
}
