//! The file that a reader reads: opened anew for each reading, without a lock.

use std::io;
use std::sync::Arc;

use super::backward::Bytes;
use super::in_place::View;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::shared::Shared;
use crate::lockfile::{Before, Generation, Identity};
use crate::recovery;
use crate::sys::{self, Access, File, Lasting};

pub(crate) struct Source {
    /// Several readers of a snapshot share it.
    file: Arc<Lasting>,
    pub identity: Identity,
    pub generation: u64,
    /// What it was before its last rewrite, if that is known.
    pub before: Option<Before>,
    /// The highest number that a rotated file of this journal was given.
    pub rotated: u32,
    /// Where the journal keeps its inode.
    view: Option<View>,
}

impl Source {
    /// A file that nobody writes to any more: a rotated one, of this number.
    pub fn by_itself(file: Lasting, identity: Identity, number: u32) -> Source {
        Source {
            generation: identity.birth.unwrap_or(0),
            file: Arc::new(file),
            identity,
            before: None,
            rotated: number,
            view: None,
        }
    }

    /// A file that was opened before, with what its lock file said then.
    pub fn of_snapshot(file: Arc<Lasting>, identity: Identity, generation: Generation) -> Source {
        Source {
            file,
            identity,
            generation: generation.number,
            before: generation.before,
            rotated: generation.rotated,
            view: None,
        }
    }

    /// `None` where there is no file, and none is asked for.
    pub fn open(shared: &Shared, operation: &'static str) -> Result<Option<Source>> {
        let told = |error| Error::os(operation, &shared.path, error);
        loop {
            let file = match File::open(&shared.path, Access::Read) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && shared.options.create => {
                    return Ok(None);
                }
                result => result.map_err(told)?,
            };
            let identity = Identity::of(&file).map_err(told)?;
            if shared.lock.is_in_place() {
                let Some(view) = View::open(&shared.path, &file, identity).map_err(told)? else {
                    continue;
                };
                return Ok(Some(Source {
                    file: Arc::new(Lasting::of(file).map_err(told)?),
                    identity,
                    generation: view.generation,
                    before: view.before,
                    rotated: view.rotated,
                    view: Some(view),
                }));
            }
            let recorded = match File::open_believed(shared.lock.record_path(), &shared.path) {
                Ok(Some(lock)) => recovery::generation_of(&lock, identity)
                    .map_err(|error| Error::os(operation, shared.lock.record_path(), error))?,
                // A lock file that we may not read, or that is not there, says
                // nothing: then the generation is the file's birth.
                _ => None,
            };
            // Rewritten since it was opened: what the lock file says may be of
            // the new file, and would make a wrong generation of the old one.
            let now = sys::stat(&shared.path).map_err(told)?;
            if now.is_none_or(|now| now.id == identity.id) {
                let generation = Generation::of(identity, recorded);
                return Ok(Some(Source {
                    file: Arc::new(Lasting::of(file).map_err(told)?),
                    identity,
                    generation: generation.number,
                    before: generation.before,
                    rotated: generation.rotated,
                    view: None,
                }));
            }
        }
    }

    /// The file itself, whatever a rewrite in place is doing to it.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Whether it is open still: the program may have closed it behind our back.
    pub fn is_itself(&self) -> io::Result<bool> {
        self.file.is_itself()
    }

    /// The same as an error.
    pub fn check_open(&self) -> io::Result<()> {
        self.file.checked().map(drop)
    }

    /// Whether the journal keeps its inode, and is rewritten in place.
    pub fn is_in_place(&self) -> bool {
        self.view.is_some()
    }

    /// As [`File::next_data`].
    pub fn next_data(&self, at: u64) -> io::Result<u64> {
        match &self.view {
            Some(_) => Ok(at),
            None => self.file.next_data(at),
        }
    }

    /// Whether it is this file. On an overlay whoever writes to it may have
    /// changed its birth since it was opened.
    pub fn is(&self, other: Identity) -> io::Result<bool> {
        Ok(self.identity == other || Identity::of(&self.file)? == other)
    }

    pub fn size(&self) -> io::Result<u64> {
        match &self.view {
            Some(view) => view.size(&self.file),
            None => self.file.size(),
        }
    }

    #[inline]
    pub fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match &self.view {
            Some(view) => view.read_at(&self.file, buffer, at),
            None => self.file.read_at(buffer, at),
        }
    }

    /// Fills as much of `buffer` as there is from `at` on.
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

    /// Whether what was read so far is of one file: one that is replaced stays
    /// as it was to whoever has it open, but one that keeps its inode may have
    /// been rewritten.
    pub fn holds(&self) -> io::Result<bool> {
        self.view.as_ref().map_or(Ok(true), View::holds)
    }

    /// The same, for one who can't begin again.
    pub fn check(&self, shared: &Shared, operation: &'static str) -> Result<()> {
        let told = |error| Error::os(operation, &shared.path, error);
        if self.holds().map_err(told)? {
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
