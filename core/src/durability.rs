// Generated from spec/constants.toml by `cargo xtask generate`. Do not edit.
//! The words that options take and that results name.

use std::fmt;
use std::str::FromStr;

/// The failure that a finished call survives.
///
/// ```
/// assert_eq!("process".parse(), Ok(untorn::Durability::Process));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// This process, or any other, dies at any instruction: the bytes are in
    /// the kernel. A power cut may lose them.
    Process,
    /// The machine loses power. The bytes are durable on disk before the call
    /// returns (`fdatasync` or `fsync`, `F_FULLFSYNC` on Apple systems). So is
    /// the directory if a name was created or changed.
    #[default]
    Power,
}

impl Durability {
    /// Returns the word, the same in every language: `"process"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Durability::Process => "process",
            Durability::Power => "power",
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Durability {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "process" => Ok(Durability::Process),
            "power" => Ok(Durability::Power),
            _ => Err(format!(
                "durability must be \"process\" or \"power\", not {word:?}"
            )),
        }
    }
}
