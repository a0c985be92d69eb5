//! A file that stays open from one call to the next.
//!
//! A daemon closes all descriptors, including those of libraries
//! (`os.closefrom`). The next file that the program opens gets the number, and
//! a write to it would hit that file.

use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::file::File;
use super::seam::{clock, needed};
use super::sys;

/// An open file that can be recognized later.
#[derive(Debug)]
pub(crate) struct Lasting(ManuallyDrop<File>);

impl Lasting {
    /// Keeps a file that was just opened.
    pub fn of(file: File) -> io::Result<Lasting> {
        file.identified().map(ManuallyDrop::new).map(Lasting)
    }

    /// Returns whether the descriptor means the file that it was opened for.
    #[inline]
    pub fn is_itself(&self) -> io::Result<bool> {
        self.0.is_itself()
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
