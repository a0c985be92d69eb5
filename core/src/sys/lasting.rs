//! A file that stays open from one call to the next.
//!
//! A daemon closes all descriptors, including those of libraries
//! (`os.closefrom`). The next file that the program opens gets the number, and
//! a write to it would hit that file.

use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;

use super::file::File;

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
