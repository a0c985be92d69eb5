//! Checks every record.

use std::sync::Arc;

use super::damage::{Damage, Damages};
use super::records::Records;
use crate::error::{Error, Result};
use crate::journal::options::Format;
use crate::journal::record_policy::inspect;
use crate::journal::repair::Repair;
use crate::journal::shared::Shared;
use crate::oslock::WaitPolicy;
use crate::position::Position;

/// Reports the result of a check.
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
    /// The result of `repair`; `None` from `verify`, or if nothing was repaired.
    pub repaired: Option<Repair>,
}

pub(crate) fn verify(
    shared: &Arc<Shared>,
    operation: &'static str,
    wait: &WaitPolicy<'_>,
) -> Result<Report> {
    let mut asking = wait.asking();
    let mut reader = Records::open(shared, None)?.of_anything();
    let mut records = 0;
    let mut found = Damages::default();
    let mut framing = 0_u64;
    loop {
        let damaged = match reader.next_record()? {
            None => break,
            Some(record) if shared.options.format == Format::Json => {
                inspect(record.bytes).map(|kind| Damage {
                    kind,
                    offset: record.start.offset,
                    length: record.end.offset - record.start.offset,
                })
            }
            Some(_) => None,
        };
        take_over(&reader, &mut framing, &mut found);
        match damaged {
            Some(damage) => found.add(damage),
            None => records += 1,
        }
        if asking.is_ended() {
            return Err(Error::cancelled(operation, &shared.path));
        }
    }
    take_over(&reader, &mut framing, &mut found);
    let end = reader.position();
    let torn = reader.torn_tail();
    Ok(Report {
        records,
        header: reader.header(),
        unsealed: reader.unsealed(),
        bytes: end.offset + torn.map_or(0, |torn| torn.length),
        end,
        damage_count: found.count,
        damage: found.list,
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
