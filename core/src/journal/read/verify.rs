//! Checks every record.

use std::sync::Arc;

use super::damage::{Damage, Damages};
use super::notes::Notes;
use super::records::Records;
use crate::error::{Error, Result};
use crate::journal::options::Format;
use crate::journal::record_policy::inspect;
use crate::journal::repair::Repair;
use crate::journal::shared::Shared;
use crate::oslock::WaitPolicy;
use crate::position::Position;

/// Reports the result of a check.
///
/// ```
/// use untorn::Journal;
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::open(dir.path().join("j.jsonl"))?;
/// journal.append(b"[1]")?;
/// let report = journal.verify()?;
/// assert!(report.is_ok());
/// assert_eq!((report.records, report.bytes), (1, 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many good records the journal has. The header does not count.
    pub records: u64,
    /// Whether the journal has a header.
    pub header: bool,
    /// In a sealed journal: how many good records have no seal.
    pub unsealed: u64,
    /// The end of the checked file, in bytes.
    pub bytes: u64,
    /// The end of the last whole line.
    pub end: Position,
    /// The damaged stretches, in file order (the first 1,024).
    pub damage: Vec<Damage>,
    /// How many stretches are damaged.
    pub damage_count: u64,
    /// Sound stretches that other programs stumble over: a byte order mark, carriage
    /// returns, half a character as an escape. The first place of each kind.
    pub notes: Vec<Damage>,
    /// The result of `repair`; `None` from `verify`, or if nothing was repaired.
    pub repaired: Option<Repair>,
}

impl Report {
    /// Returns whether nothing is damaged.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.damage_count == 0
    }
}

pub(crate) fn verify(
    shared: &Arc<Shared>,
    operation: &'static str,
    wait: &WaitPolicy<'_>,
) -> Result<Report> {
    let mut asking = wait.asking();
    let mut reader = Records::open(shared, None)?.of_anything();
    let os_error = |error| Error::os(operation, &shared.path, error);
    let size = match (wait.progress, reader.source()) {
        (Some(_), Some(source)) => source.size().map_err(os_error)?,
        _ => 0,
    };
    let mut records = 0;
    let mut found = Damages::default();
    let mut framing = 0_u64;
    let mut notes = Notes::default();
    while let Some(place) = reader.advance()? {
        let record = reader.record(&place);
        let done = record.end.offset;
        let damaged = match shared.options.format {
            Format::Json => inspect(record.bytes).map(|kind| Damage {
                kind,
                offset: record.start.offset,
                length: record.end.offset - record.start.offset,
                line: reader.last_line(),
                repairable: false,
            }),
            Format::Lines => None,
        };
        take_over(&reader, &mut framing, &mut found);
        match damaged {
            Some(damage) => found.add(damage),
            None => {
                records += 1;
                if shared.options.format == Format::Json {
                    notes.look(&reader, &place);
                }
            }
        }
        if asking.is_ended_at(done, size) {
            return Err(Error::cancelled(operation, &shared.path));
        }
    }
    take_over(&reader, &mut framing, &mut found);
    let end = reader.position();
    let torn = reader.torn_tail();
    if torn.is_some()
        && found.count == found.list.len() as u64
        && let Some(last) = found.list.last_mut()
    {
        last.kind = reader.kind_of_torn_tail();
    }
    let bytes = end.offset + torn.map_or(0, |torn| torn.length);
    wait.all_done(bytes);
    Ok(Report {
        records,
        header: reader.header(),
        unsealed: reader.unsealed(),
        bytes,
        end,
        damage_count: found.count,
        damage: found.list,
        notes: notes.into_list(),
        repaired: None,
    })
}

/// Takes over the damage that the reader itself has found since, in file order with the
/// rest. Beyond its list the reader only counts.
fn take_over(reader: &Records, framing: &mut u64, found: &mut Damages) {
    let known = usize::try_from(*framing).unwrap_or(usize::MAX);
    for damage in reader.damage().iter().skip(known) {
        found.add(*damage);
        *framing += 1;
    }
    found.count += reader.damage_count() - *framing;
    *framing = reader.damage_count();
}
