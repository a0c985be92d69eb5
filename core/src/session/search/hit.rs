//! Defines the hits of a search.

use crate::position::Position;

/// A record in which the text was found.
///
/// ```
/// use untorn::Store;
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path())?;
/// store.session("a")?.journal()?.append(br#"{"text":"Hello"}"#)?;
/// let hit = &store.search("hello").run()?[0];
/// let (start, end) = hit.range;
/// assert_eq!((&*hit.key, &hit.snippet[start..end]), ("a", "Hello"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The session.
    pub key: String,
    /// The position of the record: [`crate::Journal::records_from`] this position
    /// yields it first.
    pub position: Position,
    /// The text around the match, with escapes decoded: up to 60 characters
    /// before and after it.
    pub snippet: String,
    /// The match in the snippet, in bytes: its first byte, and the one after its
    /// last. Both are boundaries of characters.
    pub range: (usize, usize),
}
