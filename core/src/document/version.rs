//! Names the contents of a document.

use std::fmt;
use std::str::FromStr;

/// A 128-bit hash (XXH3) of a document's bytes. The same bytes are the same
/// version, by any writer. Its text is 32 hexadecimal digits.
///
/// It is a hash, since inode numbers and times repeat. It guards against
/// accidents, not against an adversary.
///
/// ```
/// use untorn::{Document, ErrorKind};
/// # let dir = tempfile::tempdir()?;
/// let state = Document::open(dir.path().join("state.json"))?;
/// let mine = state.save(b"1")?;
/// state.save(b"2")?;
/// let error = state.save_if(Some(mine), b"3").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Conflict);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u128);

impl Version {
    /// Returns the version of these bytes.
    pub fn of(bytes: &[u8]) -> Version {
        Version(xxhash_rust::xxh3::xxh3_128(bytes))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let parsed = hex.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        parsed
            .map(Version)
            .ok_or_else(|| format!("a version has 32 hexadecimal digits, unlike {text:?}"))
    }
}

/// The state that a document must have for a change to go ahead.
///
/// ```
/// use untorn::{CallOptions, Document, Expect};
/// # let dir = tempfile::tempdir()?;
/// let state = Document::open(dir.path().join("state.json"))?;
/// let call = CallOptions::new();
/// let version = state.save_with(b"1", Expect::Absent, &call)?;
/// state.save_with(b"2", Expect::Version(version), &call)?;
/// state.save_with(b"3", Expect::Anything, &call)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// Any state.
    #[default]
    Anything,
    /// The document must be missing.
    Absent,
    /// The document must have these contents.
    Version(Version),
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn text_and_back() {
        let version = Version::of(b"{}");
        let text = version.to_string();
        assert_eq!(text.len(), 32);
        assert_eq!(text.parse(), Ok(version));
        assert!("+".repeat(32).parse::<Version>().is_err());
        assert!("00".parse::<Version>().is_err());
    }
}
