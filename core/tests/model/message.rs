//! The orders that processes get, and their answers.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use untorn::Position;

use super::step::{At, Then, Verb};

/// The order that it gets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub verb: Verb,
    /// Records, a header or values, as the verb needs them.
    pub texts: Vec<String>,
    pub at: Option<Position>,
    pub mishap: Mishap,
    /// Which calls it asks about before it makes them.
    pub ask: Ask,
    /// The tick of its coarse clock; `None` if that runs.
    pub tick: Option<u64>,
}

/// What goes wrong with its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mishap {
    No,
    Fail { at: At, error: u8 },
    Short { write: u8, bytes: u16, then: Then },
    Die { at: At },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    pub at: Option<At>,
    /// Whatever changes something on the disk.
    pub changes: bool,
}

/// What it says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Said {
    /// It is about to make this call, and waits.
    Asks {
        number: usize,
        /// Others do something now.
        pause: bool,
        op: String,
        path: Option<PathBuf>,
    },
    Done(Answer),
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Its code, and what it says.
    pub error: Option<(String, String)>,
    pub at: Option<Position>,
    pub seen: Seen,
    /// Whether something was made to go wrong.
    pub mishap: bool,
}

/// What a reader was given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    pub lines: Option<Vec<String>>,
    /// Whether those were all that there are.
    pub finished: bool,
    /// What was followed was taken back, up to here.
    pub rewound: Vec<(usize, Position)>,
    pub ends: Vec<Position>,
    pub damage: Vec<String>,
    pub header: Option<Option<String>>,
    pub docs: Vec<(u8, Option<String>)>,
    pub word: Option<String>,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.error {
            Some((code, text)) => write!(f, "{code}: {text}")?,
            None => write!(f, "done")?,
        }
        let Seen {
            lines,
            finished,
            rewound,
            header,
            docs,
            word,
            damage,
            ..
        } = &self.seen;
        if let Some(at) = self.at {
            write!(f, ", at {at}")?;
        }
        if let Some(lines) = lines {
            write!(f, ", {}{lines:?}", if *finished { "all of " } else { "" })?;
        }
        for (at, to) in rewound {
            write!(f, ", taken back before {at} to {to}")?;
        }
        if let Some(header) = header {
            write!(f, ", header {header:?}")?;
        }
        if !docs.is_empty() {
            write!(f, ", documents {docs:?}")?;
        }
        if !damage.is_empty() {
            write!(f, ", damage {damage:?}")?;
        }
        word.as_ref().map_or(Ok(()), |word| write!(f, ", {word}"))
    }
}
