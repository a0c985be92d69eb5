//! Checking every record.

use std::sync::Arc;

use super::damage::{Damage, Damages, inspect};
use super::read::Records;
use super::repair::Repair;
use super::shared::Shared;
use super::{Format, Position};
use crate::error::Result;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many good records.
    pub records: u64,
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

pub(super) fn verify(shared: &Arc<Shared>) -> Result<Report> {
    let mut reader = Records::open(shared, None)?;
    let mut records = 0;
    let mut found = Damages::default();
    let mut framing = 0;
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
    }
    take_over(&reader, &mut framing, &mut found);
    let end = reader.position();
    let torn = found.list.last().filter(|last| last.offset >= end.offset);
    Ok(Report {
        records,
        bytes: end.offset + torn.map_or(0, |torn| torn.length),
        end,
        damage_count: found.count,
        damage: found.list,
        repaired: None,
    })
}

/// What the reader itself has found since, in file order with the rest.
fn take_over(reader: &Records, framing: &mut usize, found: &mut Damages) {
    for damage in &reader.damage()[*framing..] {
        found.add(*damage);
    }
    let listed = reader.damage().len();
    // Beyond its list the reader only counts.
    if listed == super::damage::LISTED {
        found.count = found.count.max(reader.damage_count());
    }
    *framing = listed;
}
