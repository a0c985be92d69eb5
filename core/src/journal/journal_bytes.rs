//! The bytes of a journal that is not a file.

use std::io;
use std::sync::Arc;

/// The bytes of a journal that a database or another engine keeps.
///
/// Within one generation bytes are only added at the end, whole appends at a time. Only a
/// header changes in its place. A rewrite gives the journal a higher generation.
pub trait JournalBytes: Send + Sync {
    /// Returns the journal's generation and size in bytes; `None` if it is missing.
    ///
    /// # Errors
    /// Those of the engine.
    fn look(&self) -> io::Result<Option<(u64, u64)>>;

    /// Fills `buffer` with the bytes of that generation from `at` on, as far as the
    /// journal goes, and returns how many. `None` if the journal has another generation
    /// now, or is missing. Where [`JournalBytes::after`] said so, it returns the bytes of
    /// an earlier generation.
    ///
    /// # Errors
    /// Those of the engine.
    fn read(&self, generation: u64, at: u64, buffer: &mut [u8]) -> io::Result<Option<usize>>;

    /// Returns what became of an earlier generation; `None` if that is not known. Then a
    /// follower of it begins again with the first record.
    ///
    /// # Errors
    /// Those of the engine.
    fn after(&self, generation: u64) -> io::Result<Option<NextGeneration>> {
        let _ = generation;
        Ok(None)
    }

    /// Calls `changed` after each change from now on, until the returned value is
    /// dropped. It may be called without a change, and may miss some: a follower also
    /// looks once a second. `None`: the engine reports no changes, so a follower looks
    /// every 2 to 250 ms.
    fn watch(&self, changed: Arc<dyn Fn() + Send + Sync>) -> Option<Box<dyn Send + Sync>> {
        let _ = changed;
        None
    }
}

/// Says what became of a generation of a journal: see [`JournalBytes::after`].
///
/// ```
/// // A rotation, whose rotated file is still there.
/// let next = untorn::NextGeneration {
///     generation: 8,
///     size: 4096,
///     same: None,
///     is_kept: true,
/// };
/// # let _ = next;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextGeneration {
    /// The generation after it.
    pub generation: u64,
    /// The size of the earlier generation, in bytes.
    pub size: u64,
    /// How many bytes both begin with. `None`: a rotation, so the next one began without
    /// records, and no record is gone.
    pub same: Option<u64>,
    /// Whether [`JournalBytes::read`] returns the bytes of the earlier generation.
    pub is_kept: bool,
}
