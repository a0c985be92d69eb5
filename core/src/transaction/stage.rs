//! Prepares a commit: marks, temporaries, the manifest. All of it can be taken
//! back.

use std::io;
use std::path::Path;

use super::directory::DirectoryLock;
use super::plan::{Content, Step};
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lost_lock;
use crate::oslock::LockFile;
use crate::recovery::transaction::{Id, Manifest, State, remove_temporaries, undo};
use crate::recovery::{self, Mark};
use crate::sys::{self, Access, File};
use crate::temporary::Rights;

/// A transaction that is under way on disk.
pub(super) struct Stage<'a> {
    pub dir: &'a Path,
    lock: &'a DirectoryLock,
    pub steps: &'a [Step<'a>],
    pub manifest: Manifest,
    /// How many members have their mark. `None`: not even the directory has its
    /// mark.
    marked: Option<usize>,
    /// Whether the manifest exists. It then says what to undo.
    prepared: bool,
}

impl<'a> Stage<'a> {
    pub fn new(
        dir: &'a Path,
        lock: &'a DirectoryLock,
        steps: &'a [Step<'a>],
        durability: Durability,
    ) -> Stage<'a> {
        let appended = steps.iter().flat_map(|step| match step.content {
            Content::Manifest(lines) => lines,
            _ => &[],
        });
        Stage {
            dir,
            lock,
            steps,
            manifest: Manifest {
                id: Id::random(),
                durability,
                changes: steps.iter().map(|step| step.change.clone()).collect(),
                appended: appended.copied().collect(),
            },
            marked: None,
            prepared: false,
        }
    }

    fn durable(&self) -> bool {
        self.manifest.durability == Durability::Power
    }

    /// Prepares everything up to the commit, or nothing.
    pub fn prepare(&mut self) -> Result<()> {
        let done = self.make_ready();
        if done.is_err() {
            self.discard();
        }
        done
    }

    fn make_ready(&mut self) -> Result<()> {
        // The marks come first: a locker that finds a mark but no manifest
        // removes the temporaries.
        self.lock.with(self.dir, |lock| self.mark(lock))?;
        self.marked = Some(0);
        for (n, step) in self.steps.iter().enumerate() {
            match &step.member.held {
                Some(held) => self.mark(held.lock_file())?,
                None => return Err(Error::internal("commit", &step.member.path, "not locked")),
            }
            self.marked = Some(n + 1);
        }
        for (n, step) in self.steps.iter().enumerate() {
            if let Content::Temporary { bytes, like, mode } = &step.content {
                self.write(
                    &self.manifest.temporary(self.dir, n),
                    bytes,
                    like.as_ref(),
                    *mode,
                )
                .map_err(|error| failed(&step.member.path, error))?;
            }
        }
        self.write_manifest()
            .map_err(|error| failed(&State::Preparing.path(self.dir), error))?;
        Ok(())
    }

    fn mark(&self, lock: LockFile<'_>) -> Result<()> {
        let os_error = |error| failed(lock.path(), error);
        if !lock.is_writable() {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                "commit",
                lock.path(),
                "a transaction marks the lock file of each file that it changes, so this one must \
                 be writable; nothing was changed",
            ));
        }
        let file = lock.file().map_err(os_error)?;
        lock.check_ours("commit")?;
        let mark = Mark {
            transaction: self.manifest.id.0,
        };
        mark.write(file).map_err(|error| {
            let _ = recovery::clear_pending(file);
            os_error(error)
        })
    }

    fn write(
        &self,
        path: &Path,
        bytes: &[u8],
        like: Option<&sys::Attributes>,
        mode: Option<u32>,
    ) -> io::Result<()> {
        let rights = Rights::of(like, mode);
        let file = rights.create(path)?;
        file.write_all_at(bytes, 0)?;
        rights.complete(&file)?;
        if self.durable() {
            file.sync_all()?;
        }
        Ok(())
    }

    fn write_manifest(&mut self) -> io::Result<()> {
        let rights = self.rights_of_manifest()?;
        let bytes = self.manifest.encode()?;
        let path = State::Preparing.path(self.dir);
        let file = match rights {
            Some(like) => File::create_beside_like(&path, Access::Write, &like),
            None => File::create_beside(&path, Access::Write, None),
        };
        let file = match file {
            // We hold the directory's lock and have settled the old files, so
            // this one can't be believed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "a file of another program has the manifest's name",
                ));
            }
            result => result?,
        };
        self.prepared = true;
        file.write_all_at(&bytes, 0)?;
        if !self.durable() {
            return Ok(());
        }
        file.sync_all()?;
        let temporaries = |step: &Step<'_>| matches!(step.content, Content::Temporary { .. });
        if self.steps.iter().any(temporaries) {
            // Before the commit, which says that the temporaries exist.
            sys::sync_parent(&path)?;
        }
        Ok(())
    }

    /// Returns the rights of the manifest. A process that may change all these
    /// files may have to finish the commit, so it must be able to read it. It
    /// holds the appended records, so a process that may not read a journal may
    /// not read it.
    fn rights_of_manifest(&self) -> io::Result<Option<sys::Attributes>> {
        let mut common: Option<sys::Attributes> = None;
        for step in self.steps {
            let like = match &step.content {
                Content::Temporary { like, .. } => like.clone(),
                Content::Manifest(_) => sys::rights(&step.member.path)?,
                Content::None => None,
            };
            common = match (common, like) {
                (Some(common), Some(like)) => Some(common.in_common(&like)),
                (common, like) => common.or(like),
            };
        }
        Ok(common.map(sys::Attributes::of_ours))
    }

    /// Checks that each lock is still on the file that has its name. If not, a
    /// program has removed that file, and others may be at work on the members by
    /// now.
    pub fn check_locks(&self) -> Result<()> {
        for step in self.steps {
            if !step.member.has_its_lock()? {
                return Err(lost_lock("commit", &step.member.path));
            }
        }
        self.lock.check("commit", self.dir)
    }

    /// Takes everything back. The rest is left to the next locker, which finds it
    /// by the marks.
    pub fn discard(&self) {
        if self.prepared {
            if undo(self.dir, &self.manifest).is_err()
                || sys::unlink(&State::Preparing.path(self.dir)).is_err()
            {
                return;
            }
        } else {
            remove_temporaries(self.dir, self.manifest.id, self.steps.len());
        }
        self.unmark();
    }

    /// Removes the marks. Best effort: a mark that stays belongs to no
    /// transaction, and the next locker removes it.
    pub fn unmark(&self) {
        let Some(members) = self.marked else { return };
        let clear = |lock: LockFile<'_>| {
            if let Ok(file) = lock.file() {
                let _ = recovery::clear_pending(file);
            }
        };
        for step in &self.steps[..members] {
            if let Some(held) = &step.member.held {
                clear(held.lock_file());
            }
        }
        let _ = self.lock.with(self.dir, |lock| {
            clear(lock);
            Ok(())
        });
    }
}

#[cold]
pub(super) fn failed(path: &Path, error: io::Error) -> Error {
    Error::os("commit", path, error).hint("nothing was changed")
}
