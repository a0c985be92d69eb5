//! The bytes of a journal that is not a file.

use std::io;
use std::sync::Arc;

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

    /// Calls `changed` after each change from now on, until the returned value is
    /// dropped. It may be called without a change, and may miss some: a follower also
    /// looks once a second. `None`: the engine reports no changes, so a follower looks
    /// every 2 to 250 ms.
    fn watch(&self, changed: Arc<dyn Fn() + Send + Sync>) -> Option<Box<dyn Send + Sync>> {
        let _ = changed;
        None
    }
}
