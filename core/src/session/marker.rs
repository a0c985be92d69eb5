//! The lease's file: it names a session's owner, or the last owner that died
//! without a release.
//!
//! The file `.untorn.lease` in the session's directory holds the owner's line
//! while the session is owned, and nothing after a release. Only the holder of
//! its lock writes it. So the next holder knows what the one before left: if the
//! lock is free and a line exists, the owner is dead. Every change is one write
//! or one truncation: a kill comes before it or after.
//!
//! During a reconciliation the file has a second line, which distinguishes the
//! reconciler from an owner.

use std::io;
use std::path::{Path, PathBuf};

use crate::holder::Holder;
use crate::process::{Alive, Process};
use crate::sys::{self, Access, File, Lasting};

/// The file's name; `NAME.lock` next to it is the lease's lock.
pub(super) const NAME: &str = ".untorn.lease";
/// Two lines with the longest labels fit, even with each byte escaped.
const LONGEST: usize = 1 << 20;
/// The most bytes of a label: more than any real label has.
pub(super) const LONGEST_LABEL: usize = 1 << 16;

/// The lines of a file that names an owner or a last owner.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Marker {
    /// `None` if the line can't be read: a power cut came before its sync.
    pub owner: Option<Holder>,
    pub reconciler: Option<Holder>,
}

impl Marker {
    fn parse(bytes: &[u8]) -> Option<Marker> {
        if bytes.is_empty() {
            return None;
        }
        // After the first line the rest of a longer one may follow.
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let mut next = || serde_json::from_slice(lines.next()?).ok();
        Some(Marker {
            owner: next(),
            reconciler: next(),
        })
    }

    /// Returns the owner, unless it is known to be dead.
    pub fn live_owner(&self) -> Option<&Holder> {
        self.owner
            .as_ref()
            .filter(|owner| owner.alive() != Alive::Dead)
    }

    /// Returns the process that reconciles the session, unless it is known to be
    /// dead.
    pub fn live_reconciler(&self) -> Option<&Holder> {
        self.reconciler
            .as_ref()
            .filter(|reconciler| reconciler.alive() != Alive::Dead)
    }
}

/// Returns the owner; with pid 0 if its line can't be read.
pub(super) fn known(owner: Option<Holder>) -> Holder {
    owner.unwrap_or_else(|| {
        Holder::from(Process {
            pid: 0,
            start: None,
            boot: None,
            namespace: None,
            host: None,
        })
    })
}

pub(super) fn path(session: &Path) -> PathBuf {
    session.join(NAME)
}

/// Reads the file; `None` if the session has no owner.
pub(super) fn read(session: &Path) -> io::Result<Option<Marker>> {
    match File::open_beside(&path(session), Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => Ok(Marker::parse(&read_all(&result?)?)),
    }
}

fn read_all(file: &File) -> io::Result<Vec<u8>> {
    // The size is not used, since it may change before the read.
    let mut bytes = vec![0; 1024];
    loop {
        let n = file.read_full_at(&mut bytes, 0)?;
        if n < bytes.len() || n >= LONGEST {
            bytes.truncate(n);
            return Ok(bytes);
        }
        bytes.resize(n * 2, 0);
    }
}

/// The open file, for the process that has the lock.
#[derive(Debug)]
pub(super) struct LeaseFile {
    file: Lasting,
    old: Vec<u8>,
    path: PathBuf,
    made: bool,
}

impl LeaseFile {
    /// Opens the file; creates it if it is missing.
    pub fn open(session: &Path) -> io::Result<LeaseFile> {
        if let Some(slot) = LeaseFile::open_if_there(session)? {
            return Ok(slot);
        }
        let path = path(session);
        Ok(LeaseFile {
            file: Lasting::of(File::create_beside(&path, Access::Write, None)?)?,
            old: Vec::new(),
            path,
            made: true,
        })
    }

    pub fn open_if_there(session: &Path) -> io::Result<Option<LeaseFile>> {
        let path = path(session);
        let file = match File::open_beside(&path, Access::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            result => result?,
        };
        Ok(Some(LeaseFile {
            old: read_all(&file)?,
            file: Lasting::of(file)?,
            path,
            made: false,
        }))
    }

    /// Returns what the file said when it was opened.
    pub fn marker(&self) -> Option<Marker> {
        Marker::parse(&self.old)
    }

    /// Replaces all lines by the owner's line. After a failure everything is as
    /// it was.
    pub fn own(&self, owner: &Holder, durable: bool) -> io::Result<()> {
        self.replace(&line(owner)?, durable)
    }

    /// Adds the reconciler's line after that of the dead owner, which stays as it
    /// is.
    pub fn reconcile(&mut self, reconciler: &Holder) -> io::Result<()> {
        let end = self.old.iter().position(|byte| *byte == b'\n');
        let mut both = self.old[..end.unwrap_or(self.old.len())].to_vec();
        both.push(b'\n');
        let owner = both.len();
        both.extend_from_slice(&line(reconciler)?);
        self.replace(&both, false)?;
        self.old.truncate(owner);
        Ok(())
    }

    /// Writes all with one write: a kill after half of it would leave a line that
    /// names no process.
    fn replace(&self, new: &[u8], durable: bool) -> io::Result<()> {
        let file = self.file.checked()?;
        let written = file
            .write_all_at(new, 0)
            .and_then(|()| match self.old.len() > new.len() {
                true => file.set_len(new.len() as u64),
                false => Ok(()),
            })
            .and_then(|()| self.sync(durable));
        if written.is_err() {
            let _ = self.put_back();
        }
        written
    }

    /// Notes that the file now holds the owner's line.
    pub fn owned_by(&mut self, owner: &Holder) -> io::Result<()> {
        self.old = line(owner)?;
        Ok(())
    }

    /// Empties the file: the session has no owner any more.
    pub fn clear(&self, durable: bool) -> io::Result<()> {
        let file = self.file.checked()?;
        file.set_len(0)?;
        if durable { file.sync_data() } else { Ok(()) }
    }

    /// Writes back the lines that the file had before, without the reconciler's.
    pub fn put_back(&self) -> io::Result<()> {
        let file = self.file.checked()?;
        if !self.old.is_empty() {
            file.write_all_at(&self.old, 0)?;
        }
        file.set_len(self.old.len() as u64)
    }

    fn sync(&self, durable: bool) -> io::Result<()> {
        if !durable {
            return Ok(());
        }
        self.file.sync_data()?;
        if self.made {
            sys::sync_parent(&self.path)?;
        }
        Ok(())
    }
}

fn line(holder: &Holder) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(holder)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::{LeaseFile, Marker, line, read};
    use crate::holder::Holder;

    #[test]
    fn what_is_left_of_a_longer_line_is_nobody() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
        let first = Holder::own(Some("a label that makes the line longer than the next one"));
        LeaseFile::open(dir.path())
            .unwrap()
            .own(&first, false)
            .unwrap();
        let short = line(&Holder::own(Some("b"))).unwrap();
        // As after a kill between the write and the truncation.
        let slot = LeaseFile::open(dir.path()).unwrap();
        slot.file.write_all_at(&short, 0).unwrap();
        let marker = read(dir.path()).unwrap().unwrap();
        assert_eq!(marker.owner.unwrap().label.as_deref(), Some("b"));
        assert_eq!(marker.reconciler, None);
        slot.clear(false).unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
    }

    #[test]
    fn a_line_that_was_lost_to_a_power_cut_is_an_owners_still() {
        let marker = Marker::parse(&[0; 100]).unwrap();
        assert_eq!(marker, Marker::default());
    }
}
