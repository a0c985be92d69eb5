//! A file's rights and times, and whom it may be believed.

use std::io;
use std::path::Path;

use super::File;
use crate::sys::path::Attributes;
use crate::sys::seam::{Op, announce, taken};
use crate::sys::{Stat, sys};

/// The rights that a file gives, compared with those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    Same,
    /// Also if only the owner's rights differ from the other file's.
    Fewer,
    More,
}

impl File {
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        announce(Op::SetAttributes, self.name())?;
        sys::meta::set_mode(&self.handle, mode)
    }

    /// Sets the rights that a file next to that one must have.
    pub fn set_rights_beside(&self, like: &Attributes) -> io::Result<()> {
        announce(Op::SetAttributes, self.name())?;
        sys::meta::write(&self.handle, &like.of_beside())
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

    /// Returns what the system says of the file now, and when it was made, in
    /// microseconds since 1970, if the system keeps that. No two files of one name
    /// have the same birth, as far as the system can distinguish them.
    pub fn identify(&self) -> io::Result<(Stat, Option<u64>)> {
        announce(Op::Stat, self.name())?;
        let (seen, birth) = sys::file::identify(&self.handle)?;
        Ok((taken(seen), birth))
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
}
