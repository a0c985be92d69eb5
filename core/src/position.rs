//! A place in a journal that can be stored and compared.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A journal's generation and a byte offset at a record boundary.
///
/// A position from before the journal was rewritten or replaced never matches
/// the new file: its generation differs. Both numbers stay below 2^53. As text:
/// `generation:offset`.
///
/// The order is for sets and maps. It says something about places only if both
/// have the same generation: of two files the later one may have the lower
/// number.
///
/// ```
/// use untorn::{Journal, Position};
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::open(dir.path().join("j.jsonl"))?;
/// let first = journal.append(b"[1]")?;
/// journal.append(b"[2]")?;
/// let stored = first.to_string();
/// let first: Position = stored.parse().expect("what to_string returned");
/// assert_eq!(journal.records_from(first)?.count(), 1);
/// journal.rewind(first)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The number of the file among those that had this name. 0: none existed.
    pub generation: u64,
    /// Bytes from the start of the file.
    pub offset: u64,
}

impl Position {
    /// The end of a missing journal.
    pub(crate) const NOTHING: Position = Position {
        generation: 0,
        offset: 0,
    };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.generation, self.offset)
    }
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once(':').and_then(|(generation, offset)| {
            Some(Position {
                generation: generation.parse().ok()?,
                offset: offset.parse().ok()?,
            })
        });
        parsed.ok_or_else(|| format!("a position is written generation:offset, not {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn text_and_back() {
        let position = Position {
            generation: 7,
            offset: 4096,
        };
        assert_eq!(position.to_string(), "7:4096");
        assert_eq!("7:4096".parse(), Ok(position));
        for bad in ["", "7", "7:", ":1", "-1:2", "1:2:3", "a:b"] {
            assert!(bad.parse::<Position>().is_err(), "{bad:?}");
        }
    }
}
