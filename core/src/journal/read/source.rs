//! Opens the file that a reader reads: again for each reading, without a lock.

use std::io;
use std::sync::Arc;

use super::backward::Bytes;
use super::in_place::View;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::journal_bytes::JournalBytes;
use crate::journal::shared::Shared;
use crate::lockfile::{Before, Generation, Identity};
use crate::recovery;
use crate::sys::{self, File, Lasting, Rewritten};

pub(crate) struct Source {
    medium: Medium,
    pub identity: Identity,
    pub generation: u64,
    /// The file that the journal was before its last rewrite, if that is known.
    pub before: Option<Before>,
    /// The highest number of a rotated file of this journal.
    pub rotated: u32,
}

/// Holds the bytes.
enum Medium {
    /// Several readers of a snapshot share it.
    File(Arc<Lasting>),
    /// The journal keeps its inode.
    InPlace(Lasting, Box<View>),
    /// With the size that bounds it: of a generation that a rotation has ended, or up to
    /// which a rewrite reads.
    Elsewhere(Arc<dyn JournalBytes>, Option<u64>),
}

impl Source {
    /// Reads a rotated file of this number, which no process writes to any more.
    pub fn by_itself(file: Lasting, identity: Identity, number: u32) -> Source {
        Source {
            generation: identity.birth.unwrap_or(0),
            medium: Medium::File(Arc::new(file)),
            identity,
            before: None,
            rotated: number,
        }
    }

    /// Reads a file that was opened earlier, with the generation that its lock file
    /// named then.
    pub fn of_snapshot(file: Arc<Lasting>, identity: Identity, generation: Generation) -> Source {
        Source {
            medium: Medium::File(file),
            identity,
            generation: generation.number,
            before: generation.before,
            rotated: generation.rotated,
        }
    }

    /// Reads a generation that a rotation has ended, and that is kept.
    pub fn of_kept(bytes: &Arc<dyn JournalBytes>, generation: u64, size: u64) -> Source {
        Source {
            medium: Medium::Elsewhere(Arc::clone(bytes), Some(size)),
            identity: Identity::NOBODY,
            generation,
            before: None,
            rotated: 0,
        }
    }

    /// Returns whether this is a generation that a rotation has ended.
    pub fn is_kept(&self) -> bool {
        matches!(self.medium, Medium::Elsewhere(_, Some(_)))
    }

    /// Opens the journal. Returns `None` if it is missing and the handle may create it.
    pub fn open(shared: &Shared, operation: &'static str) -> Result<Option<Source>> {
        let os_error = |error| Error::os(operation, &shared.path, error);
        if let Some(bytes) = &shared.elsewhere {
            return Source::elsewhere(shared, operation, bytes);
        }
        loop {
            let file = match shared.lock.open_data(&shared.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && shared.options.create => {
                    return Ok(None);
                }
                result => result.map_err(os_error)?,
            };
            let identity = Identity::of(&file).map_err(os_error)?;
            if shared.lock.is_in_place() {
                let Some(view) = View::open(&shared.path, &file, identity).map_err(os_error)?
                else {
                    continue;
                };
                return Ok(Some(Source {
                    identity,
                    generation: view.generation,
                    before: view.before,
                    rotated: view.rotated,
                    medium: Medium::InPlace(Lasting::of(file).map_err(os_error)?, Box::new(view)),
                }));
            }
            let recorded = match File::open_believed(shared.lock.record_path(), &shared.path) {
                Ok(Some(lock)) => recovery::generation_of(&lock, identity)
                    .map_err(|error| Error::os(operation, shared.lock.record_path(), error))?,
                // A lock file that is missing, or that we may not read, names no
                // generation. Then the generation is the file's birth time.
                _ => None,
            };
            // The journal was rewritten since it was opened. The lock file may name the
            // new file, and would give the old one a wrong generation.
            let now = sys::stat(&shared.path).map_err(os_error)?;
            if now.is_none_or(|now| now.id == identity.id) {
                let generation = Generation::of(identity, recorded);
                return Ok(Some(Source {
                    medium: Medium::File(Arc::new(Lasting::of(file).map_err(os_error)?)),
                    identity,
                    generation: generation.number,
                    before: generation.before,
                    rotated: generation.rotated,
                }));
            }
        }
    }

    #[cold]
    fn elsewhere(
        shared: &Shared,
        operation: &'static str,
        bytes: &Arc<dyn JournalBytes>,
    ) -> Result<Option<Source>> {
        let seen = bytes.look();
        let seen = seen.map_err(|error| Error::os(operation, &shared.path, error))?;
        match seen {
            Some((generation, _)) => Ok(Some(Source {
                medium: Medium::Elsewhere(Arc::clone(bytes), None),
                identity: Identity::NOBODY,
                generation,
                before: None,
                rotated: 0,
            })),
            None if shared.options.create => Ok(None),
            None => Err(Error::new(
                ErrorKind::NotFound,
                operation,
                &shared.path,
                "the journal does not exist",
            )),
        }
    }

    /// Returns the file itself, without regard to a rewrite in place. `None` if the
    /// journal is no file.
    pub fn file(&self) -> Option<&File> {
        self.lasting().map(|lasting| &**lasting)
    }

    fn lasting(&self) -> Option<&Lasting> {
        match &self.medium {
            Medium::File(file) => Some(file),
            Medium::InPlace(file, _) => Some(file),
            Medium::Elsewhere(..) => None,
        }
    }

    /// Returns whether the file is still open: the program may have closed the
    /// descriptor without our knowledge.
    pub fn is_itself(&self) -> io::Result<bool> {
        self.lasting().map_or(Ok(true), |file| file.is_itself())
    }

    /// Fails if the program has closed the file.
    pub fn check_open(&self) -> io::Result<()> {
        self.lasting()
            .map_or(Ok(()), |file| file.checked().map(drop))
    }

    /// Returns whether the journal keeps its inode, and is rewritten in place.
    pub fn is_in_place(&self) -> bool {
        matches!(self.medium, Medium::InPlace(..))
    }

    /// Returns whether bytes never change once they can be read: no repair, no
    /// roll-back, no power cut.
    pub fn is_certain(&self) -> bool {
        matches!(self.medium, Medium::Elsewhere(..))
    }

    /// Does the same as [`File::next_data`].
    pub fn next_data(&self, at: u64) -> io::Result<u64> {
        match &self.medium {
            Medium::File(file) => file.next_data(at),
            _ => Ok(at),
        }
    }

    /// Returns whether this is that file. On an overlay, a writer may have changed its
    /// birth time since it was opened.
    pub fn is(&self, other: Identity) -> io::Result<bool> {
        let Some(file) = self.file() else {
            return Ok(false);
        };
        Ok(self.identity == other || Identity::of(file)? == other)
    }

    pub fn size(&self) -> io::Result<u64> {
        match &self.medium {
            Medium::File(file) => file.size(),
            Medium::InPlace(file, view) => view.size(file),
            Medium::Elsewhere(_, Some(size)) => Ok(*size),
            Medium::Elsewhere(bytes, None) => match bytes.look()? {
                Some((generation, size)) if generation == self.generation => Ok(size),
                _ => Err(Rewritten::error()),
            },
        }
    }

    #[inline]
    pub fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match &self.medium {
            Medium::File(file) => file.read_at(buffer, at),
            Medium::InPlace(file, view) => view.read_at(file, buffer, at),
            Medium::Elsewhere(bytes, size) => {
                let left = size.map_or(u64::MAX, |size| size.saturating_sub(at));
                let want =
                    usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
                bytes
                    .read(self.generation, at, &mut buffer[..want])?
                    .ok_or_else(Rewritten::error)
            }
        }
    }

    /// Fills `buffer` from `at` on, as far as the file goes.
    pub fn read_full_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_at(&mut buffer[filled..], at + filled as u64)? {
                0 => break,
                n => filled += n,
            }
        }
        Ok(filled)
    }

    /// Returns whether all that was read so far is of one file. A replaced file stays
    /// as it was for a reader that has it open. A file that keeps its inode may have
    /// been rewritten.
    pub fn holds(&self) -> io::Result<bool> {
        match &self.medium {
            Medium::InPlace(_, view) => view.holds(),
            _ => Ok(true),
        }
    }

    /// Does the same as `holds`, as an error, for a caller that can't begin again.
    pub fn check(&self, shared: &Shared, operation: &'static str) -> Result<()> {
        let os_error = |error| Error::os(operation, &shared.path, error);
        if self.holds().map_err(os_error)? {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Conflict,
            operation,
            &shared.path,
            "the journal was rewritten in place while it was read; read it again",
        ))
    }
}

impl Bytes for Source {
    fn read_full_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        Source::read_full_at(self, buffer, at)
    }

    fn next_data(&self, at: u64) -> io::Result<u64> {
        Source::next_data(self, at)
    }
}
