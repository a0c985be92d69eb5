//! Describes the damage of a journal.

use std::path::Path;

use crate::events::{self, EventKind};
pub use crate::journal::words::DamageKind;

/// How many damages a report lists. The rest are only counted.
pub(crate) const LISTED: usize = 1024;

/// Describes a stretch that was skipped: its place, its length and its damage.
///
/// ```
/// use untorn::{DamageKind, Journal};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("j.jsonl");
/// std::fs::write(&path, "[1]\nhalf a rec\n[2]\n")?;
/// let report = Journal::open(&path)?.verify()?;
/// let damage = report.damage[0];
/// assert_eq!((damage.kind, damage.offset, damage.length), (DamageKind::NotJson, 4, 11));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The kind of damage.
    pub kind: DamageKind,
    /// The start of the stretch, in bytes from the start of the file.
    pub offset: u64,
    /// The length in bytes, including the newline if it has one.
    pub length: u64,
    /// The number of the line, from 1. `None` if the reader began within the file.
    pub line: Option<u64>,
    /// Whether the next append, or `repair`, mends it: it is at the end of the file.
    pub repairable: bool,
}

impl Damage {
    /// Describes damage that a decoder found.
    #[cfg(feature = "serde")]
    pub(crate) fn found(kind: DamageKind, offset: u64, length: u64) -> Damage {
        Damage {
            kind,
            offset,
            length,
            line: None,
            repairable: false,
        }
    }

    /// Reports that a reader of this journal skipped it.
    #[doc(hidden)]
    pub fn skipped(&self, journal: &Path) {
        events::emit(EventKind::SkippedDamage, "read", journal, |event| {
            event.offset = Some(self.offset);
            event.bytes = Some(self.length);
            event.damage = Some(self.kind.as_str());
        });
    }
}

/// Holds the damages found so far: the first of them, the last, and their number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Damages {
    pub list: Vec<Damage>,
    pub last: Option<Damage>,
    pub count: u64,
}

impl Damages {
    pub fn add(&mut self, damage: Damage) {
        self.count += 1;
        self.last = Some(damage);
        // Reading takes constant memory, however damaged the file is.
        if self.list.len() < LISTED {
            self.list.push(damage);
        }
    }
}
