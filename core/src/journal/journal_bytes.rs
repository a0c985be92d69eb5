//! The bytes of a journal that is not a file.

use std::io;

/// The bytes of a journal that a database or another engine keeps.
///
/// Within one generation bytes are only added at the end, whole appends at a time. A
/// rewrite gives the journal a higher generation.
pub trait JournalBytes: Send + Sync {
    /// Returns the journal's generation and size in bytes; `None` if it is missing.
    ///
    /// # Errors
    /// Those of the engine.
    fn look(&self) -> io::Result<Option<(u64, u64)>>;

    /// Fills `buffer` with the bytes of that generation from `at` on, as far as the
    /// journal goes, and returns how many. `None` if the journal has another generation
    /// now, or is missing.
    ///
    /// # Errors
    /// Those of the engine.
    fn read(&self, generation: u64, at: u64, buffer: &mut [u8]) -> io::Result<Option<usize>>;
}
