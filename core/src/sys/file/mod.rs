//! An open file: every call on it, announced.

mod error;
mod locks;
mod opening;
mod rights;

use std::io;
use std::path::Path;

use super::seam::{Op, announce, announce_write, device, pretends, taken};
use super::{FileId, Stat, sys};

pub(crate) use error::{
    InTheWay, Named, Rewritten, is_bad_descriptor, is_lock_unsupported, is_stale, is_without_locks,
};
pub(crate) use rights::Rights;

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

impl Access {
    /// The least that a sync needs. FlushFileBuffers wants a handle with `GENERIC_WRITE`.
    pub const TO_SYNC: Access = if cfg!(windows) {
        Access::Write
    } else {
        Access::Read
    };
}

/// The role of a file in this library. Only Windows makes a difference: a data
/// file that another program locks is waited for, a lock file is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    Data,
    Beside,
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

    /// Returns one more handle of this opening of the file. On Windows only such a handle
    /// can read what is locked by this one.
    #[cfg(windows)]
    pub fn again(&self) -> io::Result<File> {
        announce(Op::Open, self.name())?;
        Ok(File {
            handle: sys::file::again(&self.handle)?,
            own: self.own,
            #[cfg(feature = "fault")]
            path: self.path.clone(),
        })
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

    /// Closes a listed file. `ours`: its number still means this file.
    #[cfg(unix)]
    pub(in crate::sys) fn close_listed(self, ours: bool) {
        use crate::sys::fork::LockDescriptors;
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
    pub(in crate::sys) fn close_listed(self, _: bool) {}

    pub(in crate::sys) fn role(&self) -> Role {
        sys::file::role(&self.handle)
    }

    #[inline]
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

    /// Returns what the system says of the file now; `None` if its number no longer
    /// means it: see [`super::Lasting`].
    #[inline]
    pub fn look(&self) -> io::Result<Option<Stat>> {
        announce(Op::Stat, self.name())?;
        let seen = match sys::file::look(&self.handle) {
            Err(error) if is_bad_descriptor(&error) => return Ok(None),
            seen => seen?,
        };
        let is_itself = self.has_its_number() && self.own.id.is_none_or(|id| id == seen.id);
        Ok(is_itself.then(|| taken(seen)))
    }

    /// Returns whether its number still means this file: see
    /// [`super::Lasting`].
    #[inline]
    pub fn is_itself(&self) -> io::Result<bool> {
        if self.own.id.is_none() {
            return Ok(true);
        }
        announce(Op::Stat, self.name())?;
        self.means_its_file()
    }

    /// Does the same for the closer of the file, without a failure that tests
    /// could inject.
    pub(in crate::sys) fn is_to_close(&self) -> bool {
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

    /// Returns whether the library itself has not received the number again.
    /// This makes no system call.
    #[inline]
    pub fn has_its_number(&self) -> bool {
        sys::number::is_last(&self.handle, self.own.count)
    }

    /// Records the identity, so that the file can be recognized later.
    pub(in crate::sys) fn identified(mut self) -> io::Result<File> {
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

    /// See [`super::Descriptor::lock_aside`].
    pub(in crate::sys) fn set_aside(&mut self) {
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

    #[inline]
    pub fn unlock(&self) -> io::Result<()> {
        again(|| {
            announce(Op::Unlock, self.name())?;
            sys::lock::unlock(&self.handle)
        })
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
