//! Reports a salvage.

use crate::journal::read::{Damage, DamageKind};
use crate::journal::repair::Repair;

/// How many lines a report lists. The rest are only counted.
const LISTED: usize = 1024;

/// Describes one damaged line before the end of a journal, and what becomes of it.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("j.jsonl");
/// std::fs::write(&path, "{\"n\":1}{\"n\":2}\n{\"n\":3}\n")?;
/// let plan = untorn::Journal::open(&path)?.salvage_plan()?;
/// let line = &plan.lines[0];
/// assert_eq!((line.line, line.records, line.kept), (1, 2, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SalvagedLine {
    /// The kind of damage.
    pub kind: DamageKind,
    /// The start of the line, in bytes from the start of the file as it was.
    pub offset: u64,
    /// The length in bytes, with the newline.
    pub length: u64,
    /// The number of the line in the file as it was, from 1.
    pub line: u64,
    /// How many whole records of it become lines of their own.
    pub records: u64,
    /// How many of its bytes go to `P.torn`.
    pub kept: u64,
    /// How many NULs go. `P.torn` has their number.
    pub nuls: u64,
}

/// Reports what a salvage did, or would do.
///
/// ```
/// use untorn::Journal;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("j.jsonl");
/// std::fs::write(&path, "[1][2]\n[3]\n")?; // a newline was lost
/// let journal = Journal::open(&path)?;
/// let salvage = journal.salvage()?;
/// assert_eq!(salvage.line_count, 1);
/// assert_eq!(journal.tail(9)?.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvage {
    /// The damaged lines, in file order (the first 1,024).
    pub lines: Vec<SalvagedLine>,
    /// How many lines are mended.
    pub line_count: u64,
    /// How many whole records the damaged lines had.
    pub records: u64,
    /// How many bytes go to `P.torn`, without those of the torn tail.
    pub kept: u64,
    /// How many NULs go.
    pub nuls: u64,
    /// How many damaged lines stay as they are: longer than `max_record`.
    pub left: u64,
    /// The repair of the torn tail.
    pub tail: Option<Repair>,
}

impl Salvage {
    /// Returns whether there is nothing to mend.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.line_count == 0 && self.tail.is_none()
    }

    pub(super) fn add(&mut self, line: SalvagedLine) {
        self.line_count += 1;
        self.records += line.records;
        self.kept += line.kept;
        self.nuls += line.nuls;
        if self.lines.len() < LISTED {
            self.lines.push(line);
        }
    }

    /// Plans the repair of a torn tail, as the next append makes it.
    pub(super) fn add_tail(&mut self, tail: Damage, kind: DamageKind, nuls: u64) {
        let newline_added = kind == DamageKind::MissingNewline;
        self.tail = Some(Repair {
            offset: tail.offset,
            cut: if newline_added { nuls } else { tail.length },
            newline_added,
        });
    }
}
