//! The directory that a self-test works in, and the second process.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::sys::{self, Access, Answer, Child, Descriptor, Order};

/// No check takes that long where it works at all.
pub(super) const LONG: Duration = Duration::from_secs(10);

/// A directory of the test's own. It is removed with all that is in it.
pub(super) struct Stage {
    dir: PathBuf,
}

impl Stage {
    pub fn build(dir: &Path) -> io::Result<Stage> {
        let random = sys::random_word(12);
        let stage = Stage {
            dir: dir.join(format!(".untorn-selftest.{random}")),
        };
        sys::create_parents(&stage.dir.join("file"), false)?;
        Ok(stage)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Creates a file, open for locking.
    pub fn file(&self, name: &str) -> io::Result<Descriptor> {
        Descriptor::create_beside(&self.path(name), Access::Write, None)
    }

    /// Returns the opponent: another process, or another handle if no process can
    /// be started here.
    pub fn other(&self, file: &str) -> io::Result<Other> {
        let path = self.path(file);
        match Child::start(&path, &self.path("created")) {
            Ok(child) => Ok(Other::Process(child)),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                Descriptor::open_beside(&path, Access::Write).map(Other::Handle)
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = sys::remove_tree(&self.dir);
    }
}

pub(super) enum Other {
    Process(Child),
    Handle(Descriptor),
}

impl Other {
    /// Names the opponents, for the report.
    pub fn name(&self) -> &'static str {
        match self {
            Other::Process(_) => "two processes",
            Other::Handle(_) => "two handles of one process (another can't be started here)",
        }
    }

    /// Returns whether the opponent did it; `false` if another holder stood in
    /// its way.
    pub fn does(&mut self, order: Order) -> io::Result<bool> {
        match self {
            Other::Process(child) => {
                child.tell(order)?;
                heard(child)
            }
            Other::Handle(file) => match order {
                Order::TryExclusive => file.try_lock(false),
                Order::TryShared => file.try_lock(true),
                Order::Unlock => file.unlock().map(|()| true),
                Order::AwaitExclusive | Order::Create | Order::Remove => {
                    Err(io::ErrorKind::Unsupported.into())
                }
            },
        }
    }
}

pub(super) fn heard(child: &mut Child) -> io::Result<bool> {
    match child.hear(LONG)? {
        Answer::Done => Ok(true),
        Answer::Busy => Ok(false),
        Answer::Failed(error) => Err(error),
    }
}
