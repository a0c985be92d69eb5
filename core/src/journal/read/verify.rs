//! Checking every record.

use std::sync::Arc;

use super::Records;
use super::damage::{Damage, Damages, inspect};
use crate::error::{Error, Result};
use crate::journal::options::Format;
use crate::journal::repair::Repair;
use crate::journal::shared::Shared;
use crate::oslock::Patience;
use crate::position::Position;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many good records. The header is none.
    pub records: u64,
    /// Whether the journal has a header.
    pub header: bool,
    /// In a sealed journal: how many good records have no seal.
    pub unsealed: u64,
    /// Where the file ended, in bytes: what was looked at.
    pub bytes: u64,
    /// Where the last whole line ends.
    pub end: Position,
    /// What is damaged, in file order (the first 1,024).
    pub damage: Vec<Damage>,
    /// How many stretches are damaged.
    pub damage_count: u64,
    /// What `repair` did; `None` from `verify`, and where nothing was to do.
    pub repaired: Option<Repair>,
}

pub(crate) fn verify(
    shared: &Arc<Shared>,
    operation: &'static str,
    patience: &Patience<'_>,
) -> Result<Report> {
    let mut asking = patience.asking();
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

/// What the reader itself has found since, in file order with the rest.
/// Beyond its list the reader only counts.
fn take_over(reader: &Records, framing: &mut u64, found: &mut Damages) {
    let known = usize::try_from(*framing).unwrap_or(usize::MAX);
    for damage in reader.damage().iter().skip(known) {
        found.add(*damage);
        *framing += 1;
    }
    found.count += reader.damage_count() - *framing;
    *framing = reader.damage_count();
}
