//! An open file: every call on it, announced.

use std::fmt;
use std::io;
use std::path::Path;

use super::fork::LockDescriptors;
use super::path::Attributes;
use super::seam::{Op, announce, announce_write, device, pretends};
use super::{FileId, Known, sys};

/// The permitted use of an open file. All files are opened in one way:
/// close-on-exec, never through a symbolic link, never waiting for a FIFO's
/// other end, and only if it is a regular file. The reason is that every path
/// here is resolved already, and every name in a shared directory can be
/// another file by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    /// Read only, and only a regular file. Any other file type (a FIFO, a
    /// device) is refused, and never waited for.
    Read,
    /// Read, and write at the end. No write can ever overwrite another
    /// program's append.
    Append,
    /// Read and write anywhere.
    Write,
}

/// The role of a file in this library. Only Windows makes a difference: a data
/// file that another program locks is waited for, a lock file is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    Data,
    Beside,
}

/// The obstacle at the name of a file that could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InTheWay {
    Link,
    NoRegularFile,
    NoName,
}

impl InTheWay {
    pub fn into_error(self) -> io::Error {
        let kind = match self {
            InTheWay::Link => io::ErrorKind::PermissionDenied,
            InTheWay::NoRegularFile | InTheWay::NoName => io::ErrorKind::InvalidInput,
        };
        io::Error::new(kind, self)
    }

    /// Returns the obstacle if it is why an open failed.
    pub fn of(error: &io::Error) -> Option<InTheWay> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl std::error::Error for InTheWay {}

impl fmt::Display for InTheWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InTheWay::Link => {
                "this name is a symbolic link now, which is not followed: another user may have \
                 planted it; if not, open the file again"
            }
            InTheWay::NoRegularFile => "not a regular file",
            InTheWay::NoName => {
                "the file has no name: it was removed, or never had one (a pipe, memory), and \
                 nothing can lie next to it"
            }
        })
    }
}

/// An error of a call that the system may not know, or may refuse. It names the
/// call, since the operation does not show it.
#[derive(Debug)]
pub(crate) struct Named {
    call: &'static str,
    pub source: io::Error,
}

impl Named {
    pub fn error(call: &'static str, source: io::Error) -> io::Error {
        io::Error::new(source.kind(), Named { call, source })
    }

    pub fn of(error: &io::Error) -> Option<&Named> {
        error.get_ref()?.downcast_ref()
    }
}

impl std::error::Error for Named {}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.source)
    }
}

/// An open file.
#[derive(Debug)]
pub(crate) struct File {
    handle: sys::Handle,
    own: Own,
    /// For the tests, which must know which file a call is on.
    #[cfg(feature = "fault")]
    path: std::path::PathBuf,
}

/// The rights that a file gives, compared with those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    Same,
    /// Also if only the owner's rights differ from the other file's.
    Fewer,
    More,
}

/// The facts by which its number is recognized later.
#[derive(Clone, Copy, Debug)]
struct Own {
    count: u32,
    /// The identity that the system reports; `None` if the opening did not ask.
    id: Option<FileId>,
}

impl File {
    #[cfg_attr(
        not(feature = "fault"),
        expect(unused_variables, reason = "for the tests")
    )]
    fn new(handle: sys::Handle, id: Option<FileId>, path: &Path) -> File {
        let count = sys::number::take(&handle);
        File {
            handle,
            own: Own { count, id },
            #[cfg(feature = "fault")]
            path: path.to_owned(),
        }
    }

    #[cfg(feature = "fault")]
    fn name(&self) -> Option<&Path> {
        Some(&self.path)
    }

    #[cfg(not(feature = "fault"))]
    #[inline(always)]
    fn name(&self) -> Option<&Path> {
        None
    }

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
        let file = match File::open_beside(path, Access::Read) {
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
        let handle = sys::file::create_unnamed(super::path::parent(path))?;
        let file = File::new(handle, None, path);
        whole(&file)?;
        announce(Op::Link, Some(path))?;
        sys::file::give_name(&file.handle, path)?;
        Ok(file)
    }

    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        announce(Op::SetAttributes, self.name())?;
        sys::meta::set_mode(&self.handle, mode)
    }

    /// Sets the rights that a file next to that one must have.
    pub fn set_rights_beside(&self, like: &Attributes) -> io::Result<()> {
        announce(Op::SetAttributes, self.name())?;
        sys::meta::write(&self.handle, &like.of_beside())
    }

    /// Opens a file for [`super::Descriptor`]. No fork comes between the
    /// opening and the list of descriptors that a child closes. Also returns
    /// what the opening revealed.
    pub(super) fn open_listed(
        path: &Path,
        access: Access,
        role: Role,
    ) -> io::Result<(File, Option<Known>)> {
        announce(Op::Open, Some(path))?;
        let mut told = None;
        let (handle, id) = LockDescriptors::open(|| {
            let (handle, known) = sys::file::open(path, access, role)?;
            told = known;
            Ok((handle, known.map(|known| known.id)))
        })?;
        if let Some(known) = &mut told {
            known.id.device = device(known.id.device);
        }
        Ok((File::new(handle, id, path), told))
    }

    /// Does the same for a new file.
    pub(super) fn create_listed(
        path: &Path,
        access: Access,
        mode: Option<u32>,
        role: Role,
    ) -> io::Result<File> {
        How::new(access, role).listed().create(path, mode)
    }

    /// Does the same with the rights of another.
    pub(super) fn create_listed_like(
        path: &Path,
        access: Access,
        like: &Attributes,
        role: Role,
    ) -> io::Result<File> {
        How::new(access, role).listed().create_like(path, like)
    }

    /// Does the same with no more than this mode, less the umask.
    pub(super) fn create_private(path: &Path, access: Access, mode: u32) -> io::Result<File> {
        announce(Op::Create, Some(path))?;
        let create = || Ok((sys::file::create_private(path, access, mode)?, None));
        let (handle, id) = LockDescriptors::open(create)?;
        Ok(File::new(handle, id, path))
    }

    /// Closes a listed file. `ours`: its number still means this file.
    #[cfg(unix)]
    pub(super) fn close_listed(self, ours: bool) {
        use std::os::fd::AsRawFd;

        LockDescriptors::close(self.handle.as_raw_fd(), || {
            if ours {
                drop(self);
            } else {
                std::mem::forget(self);
            }
        });
    }

    #[cfg(windows)]
    pub(super) fn close_listed(self, _: bool) {}

    pub(super) fn role(&self) -> Role {
        sys::file::role(&self.handle)
    }

    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        again(|| {
            announce(Op::Read, self.name())?;
            sys::file::read_at(&self.handle, buffer, offset)
        })
    }

    /// Fills as much of `buffer` as the file has from `offset` on.
    pub fn read_full_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_at(&mut buffer[filled..], offset + filled as u64)? {
                0 => break,
                n => filled += n,
            }
        }
        Ok(filled)
    }

    /// Returns the first place from `offset` on that is in no hole. It is the
    /// file's end if only a hole follows, and `offset` if the system does not
    /// report holes.
    pub fn next_data(&self, offset: u64) -> io::Result<u64> {
        announce(Op::Stat, self.name())?;
        sys::file::next_data(&self.handle, offset)
    }

    /// Makes one write at the end (for a file opened with [`Access::Append`]).
    /// The write may be short.
    #[inline]
    pub fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        again(|| {
            let len = announce_write(bytes.len(), self.name())?;
            sys::file::write(&self.handle, &bytes[..len])
        })
    }

    /// Writes all of it at `offset`. Not for files opened with
    /// [`Access::Append`]: Linux ignores the offset there (man 2 pwrite).
    pub fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            match again(|| {
                let len = announce_write(bytes.len() - done, self.name())?;
                sys::file::write_at(&self.handle, &bytes[done..done + len], offset + done as u64)
            })? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                n => done += n,
            }
        }
        Ok(())
    }

    /// Writes all of it at `offset`, even in a file opened with
    /// [`Access::Append`]. No other thread may use this descriptor meanwhile.
    pub fn overwrite_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        sys::file::set_append(&self.handle, false)?;
        let result = self.write_all_at(bytes, offset);
        sys::file::set_append(&self.handle, true)?;
        result
    }

    /// Lets a program that takes this process's place (`execve`) keep the
    /// descriptor, and the lock that is on it.
    pub fn keep_in_programs(&self) -> io::Result<()> {
        announce(Op::Stat, self.name())?;
        sys::file::keep_in_programs(&self.handle)
    }

    pub fn set_len(&self, len: u64) -> io::Result<()> {
        again(|| {
            announce(Op::Truncate, self.name())?;
            sys::file::set_len(&self.handle, len)
        })
    }

    pub fn sync_data(&self) -> io::Result<()> {
        again(|| {
            announce(Op::SyncData, self.name())?;
            sys::file::sync_data(&self.handle)
        })
    }

    pub fn sync_all(&self) -> io::Result<()> {
        again(|| {
            announce(Op::SyncAll, self.name())?;
            sys::file::sync_all(&self.handle)
        })
    }

    /// Returns the offset of the next write, or the end of the last one. On
    /// Linux and BSD an append leaves the offset at its own end.
    pub fn offset(&self) -> io::Result<u64> {
        announce(Op::Stat, self.name())?;
        sys::file::offset(&self.handle)
    }

    pub fn id(&self) -> io::Result<FileId> {
        announce(Op::Stat, self.name())?;
        sys::file::id(&self.handle).map(|id| FileId {
            device: device(id.device),
            ..id
        })
    }

    /// Returns whether its number still means this file: see
    /// [`super::Lasting`].
    #[inline]
    pub(super) fn is_itself(&self) -> io::Result<bool> {
        if self.own.id.is_none() {
            return Ok(true);
        }
        announce(Op::Stat, self.name())?;
        self.means_its_file()
    }

    /// Does the same for the closer of the file, without a failure that tests
    /// could inject.
    pub(super) fn is_to_close(&self) -> bool {
        self.means_its_file().unwrap_or(true)
    }

    #[inline]
    fn means_its_file(&self) -> io::Result<bool> {
        let Some(id) = self.own.id else {
            return Ok(true);
        };
        if !self.has_its_number() {
            return Ok(false);
        }
        match sys::file::id(&self.handle) {
            Ok(now) => Ok(now == id),
            Err(error) if is_bad_descriptor(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns whether the library has not received the number again.
    #[inline]
    pub(super) fn has_its_number(&self) -> bool {
        sys::number::is_last(&self.handle, self.own.count)
    }

    /// Records the identity, so that the file can be recognized later.
    pub(super) fn identified(mut self) -> io::Result<File> {
        if self.own.id.is_none() && sys::file::NUMBERS_COME_AGAIN {
            announce(Op::Stat, self.name())?;
            self.own.id = Some(sys::file::id(&self.handle)?);
        }
        Ok(self)
    }

    pub fn size(&self) -> io::Result<u64> {
        announce(Op::Stat, self.name())?;
        sys::file::size(&self.handle)
    }

    /// Returns whether this file's content about `of`, next to it, may be acted
    /// upon, and whether it may be written to. It must not if a user without a
    /// say over `of` may have made it. Any user can make a file of this name in
    /// a directory that it may write. (If `of` is missing, its directory is
    /// asked.)
    pub fn may_be_believed(&self, of: &Path) -> io::Result<bool> {
        announce(Op::Stat, self.name())?;
        sys::meta::may_be_believed(&self.handle, of)
    }

    /// Returns whether we may put another file in the place of this one, in a
    /// directory that we may write.
    pub fn may_be_replaced(&self, dir: &Path) -> io::Result<bool> {
        announce(Op::Stat, self.name())?;
        sys::meta::may_be_replaced(&self.handle, dir)
    }

    /// Returns how many names the file has, and its size, in one call. The call
    /// leaves the timestamps alone (an fstat makes the next write dearer).
    #[inline]
    pub fn links_and_size(&self) -> io::Result<(u64, u64)> {
        announce(Op::Stat, self.name())?;
        sys::file::links_and_size(&self.handle)
    }

    /// Returns when the file was made, in microseconds since 1970, if the
    /// system keeps that. No two files of one name have the same value, as far
    /// as the system can distinguish them.
    pub fn birth(&self) -> io::Result<Option<u64>> {
        announce(Op::Stat, self.name())?;
        sys::file::birth(&self.handle)
    }

    /// Returns when its content last changed, or it was last
    /// [touched](File::touch). The unit is nanoseconds since 1970, by the file
    /// system's clock (on NFS the server's).
    pub fn modified(&self) -> io::Result<u64> {
        announce(Op::Stat, self.name())?;
        sys::file::modified(&self.handle)
    }

    /// Marks the file as written now, by the same clock.
    pub fn touch(&self) -> io::Result<()> {
        announce(Op::SetAttributes, self.name())?;
        sys::file::touch(&self.handle)
    }

    /// Gives the file another's mode, owner and extended attributes.
    pub fn set_attributes(&self, attributes: &Attributes) -> io::Result<()> {
        announce(Op::Stat, self.name())?;
        if !attributes.has_xattrs() && sys::meta::has_rights(&self.handle, attributes)? {
            return Ok(());
        }
        announce(Op::SetAttributes, self.name())?;
        sys::meta::write(&self.handle, attributes)
    }

    /// Compares its rights with those of a file that is next to one with these
    /// rights.
    pub fn compare_rights(&self, like: &Attributes) -> io::Result<Rights> {
        let like = like.of_beside();
        announce(Op::Stat, self.name())?;
        Ok(if sys::meta::has_rights(&self.handle, &like)? {
            Rights::Same
        } else if sys::meta::has_at_most(&self.handle, &like)? {
            Rights::Fewer
        } else {
            Rights::More
        })
    }

    /// Takes the right to write this file from those that may not write `of`,
    /// if the file is ours. Best effort.
    pub fn narrow_rights(&self, of: &Path) {
        if announce(Op::SetAttributes, self.name()).is_ok() {
            let _ = sys::meta::narrow(&self.handle, of, false);
        }
    }

    /// Does the same for the right to read it: bytes of `of` are written to it
    /// next.
    pub fn narrow_reading(&self, of: &Path) {
        if announce(Op::SetAttributes, self.name()).is_ok() {
            let _ = sys::meta::narrow(&self.handle, of, true);
        }
    }

    /// See [`super::Descriptor::lock_aside`].
    pub(super) fn set_aside(&mut self) {
        sys::lock::aside(&mut self.handle);
    }

    /// Tries once. Returns `false` if another holds it.
    #[inline]
    pub fn try_lock(&self, shared: bool) -> io::Result<bool> {
        let tried = again(|| {
            announce(Op::Lock, self.name())?;
            if pretends(Op::Lock) {
                return Ok(true);
            }
            sys::lock::try_lock(&self.handle, shared)
        });
        match tried {
            // If it is a denial after all, `lock` reports it to the waiter.
            Err(error) if sys::lock::is_held_elsewhere(&error) => Ok(false),
            tried => tried,
        }
    }

    /// Blocks in the kernel. May return `Interrupted`.
    pub fn lock(&self, shared: bool) -> io::Result<()> {
        announce(Op::Lock, self.name())?;
        if pretends(Op::Lock) {
            return Ok(());
        }
        sys::lock::lock(&self.handle, shared)
    }

    /// Returns whether the file system has a place for [`File::set_awaited`].
    pub fn keeps_marks(&self) -> bool {
        announce(Op::Lock, self.name()).is_ok()
            && !pretends(Op::Lock)
            && sys::awaited::keeps_marks(&self.handle)
    }

    /// Shows sharers in other processes that the exclusive lock is waited for.
    /// The mark lasts until it is removed or this descriptor is closed. Best
    /// effort.
    pub fn set_awaited(&self, on: bool) {
        if announce(Op::Lock, self.name()).is_ok() {
            let _ = sys::awaited::mark(&self.handle, on);
        }
    }

    /// Returns whether another descriptor is so marked.
    pub fn is_awaited(&self) -> bool {
        announce(Op::Lock, self.name()).is_ok()
            && sys::awaited::is_marked(&self.handle).unwrap_or(false)
    }

    #[inline]
    pub fn unlock(&self) -> io::Result<()> {
        again(|| {
            announce(Op::Unlock, self.name())?;
            sys::lock::unlock(&self.handle)
        })
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
        let _ = super::path::unlink(path);
    }
}

/// Repeats a call that ended with EINTR. A signal handler without SA_RESTART
/// (Python's are such) ends any call so; none of these has done anything then.
#[inline]
fn again<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Returns whether this error of a lock call means that the file system does
/// not lock at all.
pub(crate) fn is_lock_unsupported(error: &io::Error) -> bool {
    sys::lock::is_unsupported(error)
}

/// Returns whether this error of a lock call means that the file system never
/// has locks. `ENOLCK` may pass.
pub(crate) fn is_without_locks(error: &io::Error) -> bool {
    sys::lock::is_without_locks(error)
}

/// Returns whether a call failed because the descriptor does not suit it.
pub(crate) fn is_bad_descriptor(error: &io::Error) -> bool {
    sys::lock::is_bad_descriptor(error)
}

/// Returns whether a call failed because the server no longer has the file
/// (NFS).
pub(crate) fn is_stale(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StaleNetworkFileHandle
}
