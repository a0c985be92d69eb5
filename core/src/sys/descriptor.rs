//! Files that stay open from one call to the next, and those that a forked child must not
//! have. The latter are lock files, and files that are locked while they are written.
//!
//! A daemon closes all descriptors, including those of libraries
//! (`os.closefrom`). The next file that the program opens gets the number, and
//! a write to it would hit that file. So a file that stays open is recognized first.

use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::file::{Access, File, Role};
use super::fork::generation;
use super::path::Attributes;
use super::seam::{clock, needed};
use super::{FileId, Known, sys};

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

/// An open file that can be recognized later.
#[derive(Debug)]
pub(crate) struct Lasting(ManuallyDrop<File>);

impl Lasting {
    /// Keeps a file that was just opened.
    pub fn of(file: File) -> io::Result<Lasting> {
        file.identified().map(ManuallyDrop::new).map(Lasting)
    }

    /// Returns the file for a caller that changes it now and can't open
    /// another.
    pub fn checked(&self) -> io::Result<&File> {
        match self.is_itself()? {
            true => Ok(&self.0),
            false => Err(io::Error::other(
                "the program has closed this file, which the library had open; nothing was changed",
            )),
        }
    }
}

impl Deref for Lasting {
    type Target = File;

    #[inline]
    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        // Otherwise the number is another file's, which must not be closed
        // here.
        if self.0.is_to_close() {
            // SAFETY: taken here and nowhere else.
            drop(unsafe { ManuallyDrop::take(&mut self.0) });
        }
    }
}

/// A moment of the system's coarse clock; `None` if the system has none. It changes
/// every 1 to 10 ms.
pub(crate) type Tick = Option<u64>;

/// Returns the tick of the coarse clock.
#[inline]
pub(crate) fn tick() -> Tick {
    clock(sys::file::tick())
}

/// Remembers when the names of files that stay open were last looked at.
///
/// A look at a name costs three times a look at an open file. So a call that comes many
/// times in one tick looks at the names a few times, and then, until the tick ends, only
/// at the open files. These show that a file was deleted or replaced: it has no name any
/// more. They do not show that it was renamed.
#[derive(Debug, Default)]
pub(crate) struct RecentLook {
    tick: AtomicU64,
    looks: AtomicU32,
}

/// A program that appends now and then never goes without a look at the names.
const LOOKS: u32 = 4;

impl RecentLook {
    /// Returns whether the names were looked at several times in this tick.
    #[inline]
    pub fn is_at(&self, now: Tick) -> bool {
        now.is_some_and(|now| self.tick.load(Ordering::Relaxed) == now)
            && self.looks.load(Ordering::Relaxed) >= needed(LOOKS)
    }

    /// Notes that all names were looked at, at this tick or later, and meant the open
    /// files.
    #[inline]
    pub fn add(&self, tick: Tick) {
        let Some(tick) = tick else { return };
        let looks = match self.tick.load(Ordering::Relaxed) == tick {
            true => self.looks.load(Ordering::Relaxed) + 1,
            false => 1,
        };
        self.looks.store(looks, Ordering::Relaxed);
        self.tick.store(tick, Ordering::Relaxed);
    }
}
